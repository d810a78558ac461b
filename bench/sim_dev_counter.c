// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_dev_counter - sim_dev.ko as it is, but compiled in one piece
 *
 * sim_dev_untimed and sim_dev_timer_list are compiled in one piece too. So the
 * compiler does the same for all three, and only their io_recovery.h differs.
 */
#include "../kunit/sim_dev_sources.h"
