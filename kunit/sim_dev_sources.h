/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All of sim_dev.ko in one piece, for the modules that call its static
 * functions (kunit/) or replace its io_recovery.h (bench/).
 */
#include <linux/export.h>

/* Only sim_dev.ko exports its interface. */
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(name)

#include "../sim_events.c"
#include "../sim_rules.c"
#include "../sim_hw.c"
#include "../sim_dev.c"
#include "../sim_bind.c"
#include "../sim_log.c"
#include "../sim_client.c"
#include "../sim_file.c"
#include "../sim_ctl.c"
#include "../sim_main.c"
