/* SPDX-License-Identifier: MIT */
/* Disable core dumps and lock memory: keys reach neither a core file nor swap. */
#include "daemon/memlock.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/*
 * Theory of operation
 *
 * All memory is locked, not only the memory that is known to contain keys: stacks, the crypto
 * library and buffers contain keys temporarily, too. Pages are locked when they are first used, so
 * reserved but untouched memory costs nothing. Under a limit (RLIMIT_MEMLOCK), locking future
 * memory would make ordinary allocations fail when the limit is reached. So it is done only if
 * there is no limit, or none that applies to us.
 */

/* Whether we hold CAP_IPC_LOCK, so that the limit does not apply. */
static bool is_above_limit(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return !syscall(SYS_capget, &head, sets) && sets[0].effective & 1U << CAP_IPC_LOCK;
}

static bool may_lock_all(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit now;

	return (!getrlimit(RLIMIT_MEMLOCK, &now) && now.rlim_cur == RLIM_INFINITY) ||
	       !setrlimit(RLIMIT_MEMLOCK, &none) || is_above_limit();
}

bool memlock_process(bool say)
{
	const struct rlimit none = { 0, 0 };

	if ((setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0) && say)
		log_warning(
			"cannot disable core dumps: %s. They would contain keys.", strerror(errno));
	if (may_lock_all() && !mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return true;
	if (say)
		log_warning("memory is not locked: keys may reach swap. Allow it "
			    "(LimitMEMLOCK=infinity, "
			    "ulimit -l unlimited), or encrypt the swap.");
	return false;
}
