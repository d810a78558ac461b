// SPDX-License-Identifier: GPL-2.0-only
/* kbuild wants the objects of sim_dev.ko to have other names than sim_dev.o. */
#include "sim_dev.c"
