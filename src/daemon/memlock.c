/* SPDX-License-Identifier: MIT */
/* Disable core dumps and lock memory: keys reach neither a core file nor swap. */
#include "daemon/memlock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/*
 * Theory of operation
 *
 * All memory is locked, not only the memory that is known to contain keys: stacks, the crypto
 * library and buffers contain keys temporarily, too. Pages are locked when they are first used, so
 * reserved but untouched memory costs nothing. Under a limit (RLIMIT_MEMLOCK), locking future
 * memory would make ordinary allocations fail when the limit is reached. So the lock is undone if
 * there is a limit that applies to us.
 */

/* Whether more memory than the limit can be mapped now that future mappings are locked. Only the
 * kernel knows: CAP_IPC_LOCK lifts the limit, but not that of a user namespace, as in a rootless
 * container. */
static bool is_above_limit(void)
{
	struct rlimit now;
	size_t len;
	void *p;

	if (getrlimit(RLIMIT_MEMLOCK, &now) < 0)
		return false;
	if (now.rlim_cur == RLIM_INFINITY)
		return true;
	len = (size_t)now.rlim_cur + (size_t)sysconf(_SC_PAGESIZE);
	p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return false;
	munmap(p, len);
	return true;
}

/* Lock all memory, if later allocations cannot fail for it. */
static bool lock_all(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &none);
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return false;
	if (is_above_limit())
		return true;
	munlockall();
	return false;
}

/* Whether the user wants to debug the process. */
static bool is_debugged(void)
{
	const char *text = getenv("WIRESPAN_DUMPABLE");

	return text && !strcmp(text, "1");
}

bool memlock_process(bool verbose)
{
	const struct rlimit none = { 0, 0 };

	if (is_debugged()) {
		if (verbose)
			log_warning("WIRESPAN_DUMPABLE=1: memory is not locked, and core dumps and "
				    "debuggers are allowed. Keys can reach a disk.");
		return false;
	}
	if ((setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0) && verbose)
		log_warning(
			"cannot disable core dumps: %s. They would contain keys.", strerror(errno));
	if (lock_all())
		return true;
	if (verbose)
		log_warning("memory is not locked: keys may reach swap. Allow it "
			    "(LimitMEMLOCK=infinity, ulimit -l unlimited), or encrypt the swap.");
	return false;
}
