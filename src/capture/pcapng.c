/* SPDX-License-Identifier: MIT */
/* Encode the blocks of a pcapng file: section, interfaces, packets, statistics. */
#include "capture/pcapng.h"

#include "base/bytes.h"

/* Codes of options. Source: draft-ietf-opsawg-pcapng §3.5, §4.1 to §4.6. */
#define OPT_END		0
#define OPT_COMMENT	1
#define SHB_APPLICATION 4
#define IF_NAME		2
#define IF_DESCRIPTION	3
#define IF_TSRESOL	9
#define EPB_FLAGS	2
#define ISB_RECEIVED	4

#define TSRESOL_NS    9 /* 10^-9 s */
#define FLAG_INBOUND  1
#define FLAG_OUTGOING 2

/* A block that is being written. Once something did not fit, `full` is set. */
struct writer {
	uint8_t *buf;
	size_t size;
	size_t len;
	bool full;
};

/* Room for `n` more bytes, padded to a multiple of 4; NULL if there is none. */
static uint8_t *extend(struct writer *w, size_t n)
{
	size_t padded = size_align(n, 4);
	uint8_t *at = w->buf + w->len;

	if (w->full || padded > w->size - w->len) {
		w->full = true;
		return NULL;
	}
	memset(at + n, 0, padded - n);
	w->len += padded;
	return at;
}

static void add32(struct writer *w, uint32_t v)
{
	uint8_t *at = extend(w, 4);

	if (at)
		store_le32(at, v);
}

static void add16s(struct writer *w, uint16_t a, uint16_t b)
{
	add32(w, a | (uint32_t)b << 16);
}

static void add_option(struct writer *w, uint16_t code, const void *value, size_t len)
{
	uint8_t *at;

	len = size_min(len, UINT16_MAX);
	add16s(w, code, (uint16_t)len);
	at = extend(w, len);
	if (at)
		memcpy(at, value, len);
}

static void add_text(struct writer *w, uint16_t code, const char *text)
{
	if (text && *text)
		add_option(w, code, text, strlen(text));
}

static void add_u64(struct writer *w, uint16_t code, uint64_t v)
{
	uint8_t bytes[sizeof(v)];

	store_le64(bytes, v); /* as the section */
	add_option(w, code, bytes, sizeof(bytes));
}

static struct writer begin(uint8_t *buf, size_t size, uint32_t type)
{
	struct writer w = { .buf = buf, .size = size };

	add32(&w, type);
	add32(&w, 0); /* its length: see end() */
	return w;
}

static size_t end(struct writer *w)
{
	add16s(w, OPT_END, 0);
	add32(w, (uint32_t)(w->len + 4));
	if (w->full)
		return 0;
	store_le32(w->buf + 4, (uint32_t)w->len);
	return w->len;
}

static void add_time(struct writer *w, struct wall when)
{
	uint64_t ns = when.sec * NS_PER_S + when.nsec;

	add32(w, (uint32_t)(ns >> 32));
	add32(w, (uint32_t)ns);
}

size_t pcapng_section(uint8_t *buf, size_t size, const char *application, const char *comment)
{
	struct writer w = begin(buf, size, PCAPNG_SECTION);

	add32(&w, 0x1a2b3c4d); /* byte order */
	add16s(&w, 1, 0);      /* version */
	add32(&w, UINT32_MAX); /* the length of the section is not known */
	add32(&w, UINT32_MAX);
	add_text(&w, OPT_COMMENT, comment);
	add_text(&w, SHB_APPLICATION, application);
	return end(&w);
}

size_t pcapng_interface(uint8_t *buf, size_t size, uint16_t link, uint32_t snap, const char *name,
	const char *description)
{
	struct writer w = begin(buf, size, PCAPNG_INTERFACE);
	const uint8_t resolution = TSRESOL_NS;

	add16s(&w, link, 0);
	add32(&w, snap);
	add_text(&w, IF_NAME, name);
	add_text(&w, IF_DESCRIPTION, description);
	add_option(&w, IF_TSRESOL, &resolution, 1);
	return end(&w);
}

size_t pcapng_packet(uint8_t *buf, size_t size, const struct pcapng_packet *p)
{
	struct writer w = begin(buf, size, PCAPNG_PACKET);
	const uint32_t flags = p->outgoing ? FLAG_OUTGOING : FLAG_INBOUND;
	uint8_t *at;

	add32(&w, p->interface);
	add_time(&w, p->when);
	add32(&w, (uint32_t)(p->head_len + p->rest_len));
	add32(&w, (uint32_t)p->len);
	at = extend(&w, p->head_len + p->rest_len);
	if (at && p->head_len)
		memcpy(at, p->head, p->head_len);
	if (at && p->rest_len)
		memcpy(at + p->head_len, p->rest, p->rest_len);
	add_text(&w, OPT_COMMENT, p->comment);
	add16s(&w, EPB_FLAGS, sizeof(flags));
	add32(&w, flags);
	return end(&w);
}

size_t pcapng_statistics(uint8_t *buf, size_t size, const struct pcapng_statistics *s)
{
	struct writer w = begin(buf, size, PCAPNG_STATISTICS);

	add32(&w, s->interface);
	add_time(&w, s->when);
	add_u64(&w, ISB_RECEIVED, s->received);
	add_u64(&w, PCAPNG_OPT_DROPPED, s->dropped);
	return end(&w);
}
