/* SPDX-License-Identifier: MIT */
/* Intel's libipsec-mb, where it is installed: vector code for whole texts.
 *
 * Theory of operation. The library is loaded when a state is made, so that its package is optional.
 * A manager is its state of one thread: a ring of jobs, and queues for algorithms of which it
 * processes several texts at a time. ChaCha20-Poly1305 is none of these: a job is complete when its
 * submission returns, and a burst of jobs takes as long as the same jobs one by one (measured:
 * within 3 %). So a provider has no call for several texts. The layout of manager and jobs may
 * change with the library's version, so a version other than the header's is refused.
 *
 * The library copies no key, and clears its registers and stack after each job if it was built with
 * SAFE_DATA, as Debian's is; another is refused.
 */
#include "crypto/aead_ipsec_mb.h"

#include <dlfcn.h>
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/secret.h"

#define LIBRARY "libIPSec_MB.so.1"
#define ALIGN	64

/* Functions of the library that are called before there is a manager. */
struct library {
	void *handle;
	__typeof__(imb_get_version) *version;
	__typeof__(imb_get_mb_mgr_size) *manager_size;
	__typeof__(imb_set_pointers_mb_mgr) *manager_place;
	__typeof__(init_mb_mgr_auto) *manager_init;
	__typeof__(imb_get_errno) *error;
};

struct state {
	struct library lib;
	IMB_MGR *manager; /* within this allocation, aligned */
	size_t len;	  /* of the allocation */
};

/* Store the address of a function; Return: whether the library has it. */
static bool find(const struct library *lib, const char *name, void *ret_function)
{
	void *address = dlsym(lib->handle, name);

	memcpy(ret_function, &address, sizeof(address));
	return address != NULL;
}

/* Return: 0, -ELIBACC if the library is not there, -ELIBBAD if it is not the one of the header. */
static int load(struct library *ret)
{
	struct library lib = { .handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL) };

	if (!lib.handle)
		return -ELIBACC;
	if (!find(&lib, "imb_get_version", &lib.version) ||
		!find(&lib, "imb_get_mb_mgr_size", &lib.manager_size) ||
		!find(&lib, "imb_set_pointers_mb_mgr", &lib.manager_place) ||
		!find(&lib, "init_mb_mgr_auto", &lib.manager_init) ||
		!find(&lib, "imb_get_errno", &lib.error) || lib.version() != IMB_VERSION_NUM) {
		(void)dlclose(lib.handle);
		return -ELIBBAD;
	}
	*ret = lib;
	return 0;
}

static void close_state(void *state)
{
	struct state *s = state;
	void *handle;

	if (!s)
		return;
	handle = s->lib.handle;
	OPENSSL_clear_free(s, s->len);
	(void)dlclose(handle);
}

static int open_state(void **ret_state)
{
	struct library lib;
	struct state *s;
	uint8_t *place;
	size_t len;
	int err = load(&lib);

	if (err < 0)
		return err;
	len = sizeof(*s) + ALIGN + lib.manager_size();
	s = OPENSSL_zalloc(len);
	if (!s) {
		(void)dlclose(lib.handle);
		return -ENOMEM;
	}
	place = (uint8_t *)(s + 1);
	place += -(uintptr_t)place & (ALIGN - 1);
	*s = (struct state){ .lib = lib, .len = len };
	s->manager = lib.manager_place(place, 0, 1);
	if (s->manager)
		lib.manager_init(s->manager, NULL);
	if (!s->manager || lib.error(s->manager) ||
		!(s->manager->features & IMB_FEATURE_SAFE_DATA)) {
		close_state(s);
		return -ENOTSUP;
	}
	*ret_state = s;
	return 0;
}

/* Process one text. The tag is stored at `ret_tag`. */
static void run(const struct state *s, const struct aead_call *c, IMB_CIPHER_DIRECTION direction,
	uint8_t ret_tag[static AEAD_TAG_LEN])
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(s->manager);
	uint8_t iv[16] = { 0 }; /* 12 bytes; vector code may load 16 */

	store_le64(iv + 4, c->counter);
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = direction;
	job->chain_order =
		direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = c->key;
	job->dec_keys = c->key;
	job->key_len_in_bytes = AEAD_KEY_LEN;
	job->iv = iv;
	job->iv_len_in_bytes = 12;
	job->src = c->src;
	job->dst = c->dst;
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = c->len;
	job->msg_len_to_hash_in_bytes = c->len;
	job->u.CHACHA20_POLY1305.aad = c->aad;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = c->aad_len;
	job->auth_tag_output = ret_tag;
	job->auth_tag_output_len_in_bytes = AEAD_TAG_LEN;
	job = IMB_SUBMIT_JOB(s->manager);
	ASSERT(job && job->status == IMB_STATUS_COMPLETED);
}

static void seal(void *state, const struct aead_call *c)
{
	run(state, c, IMB_DIR_ENCRYPT, c->dst + c->len);
}

static int open_text(void *state, const struct aead_call *c)
{
	uint8_t tag[AEAD_TAG_LEN];

	run(state, c, IMB_DIR_DECRYPT, tag);
	if (CRYPTO_memcmp(tag, c->src + c->len, sizeof(tag)) == 0)
		return 0;
	secret_wipe(c->dst, c->len);
	return -EBADMSG;
}

const struct aead_provider aead_ipsec_mb = {
	.name = "ipsec-mb",
	.open_state = open_state,
	.close_state = close_state,
	.seal = seal,
	.open = open_text,
};
