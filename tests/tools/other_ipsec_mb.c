/* SPDX-License-Identifier: MIT */
/* A libipsec-mb of a version that no header has: only its version may be asked for. */
#include <stdlib.h>

unsigned imb_get_version(void);
void imb_get_mb_mgr_size(void);
void imb_set_pointers_mb_mgr(void);
void init_mb_mgr_auto(void);
void imb_get_errno(void);

unsigned imb_get_version(void)
{
	return 0xff0000;
}

void imb_get_mb_mgr_size(void)
{
	abort();
}

void imb_set_pointers_mb_mgr(void)
{
	abort();
}

void init_mb_mgr_auto(void)
{
	abort();
}

void imb_get_errno(void)
{
	abort();
}
