/* SPDX-License-Identifier: MIT */
/* The memory in which an engine's sessions outlive its process. */
#include "backend/engine_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* Room for peers that are added later, at least. */
#define PEERS_MORE 256

int engine_store_make(size_t peers)
{
	int fd = memfd_create("wirespan-sessions", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)wg_store_memory(2 * peers + PEERS_MORE)) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		err = -errno;
	if (err < 0)
		close(fd);
	return err < 0 ? err : fd;
}

int engine_store_map(int fd, struct engine_memory *ret)
{
	struct stat stat;
	void *bytes;

	*ret = (struct engine_memory){ 0 };
	if (fd < 0)
		return 0;
	if (fstat(fd, &stat) < 0)
		return -errno;
	bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*ret = (struct engine_memory){ bytes, (size_t)stat.st_size };
	return 0;
}

int engine_store_open(const struct engine_memory *memory, struct wg_store *ret)
{
	int err;

	*ret = (struct wg_store){ 0 };
	if (!memory->bytes)
		return 0;
	err = wg_store_open(ret, memory->bytes, memory->len);
	if (err == -EPROTO)
		log_warning("The sessions of the last engine cannot be used, as it had stored them "
			    "in another form: they begin with new handshakes.");
	return err;
}
