/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _EXPECT_WARNING_H
#define _EXPECT_WARNING_H

#include <linux/printk.h>

/* Tell scripts/vm that the next WARNING with this text is expected, and must come. */
#define expect_warning(text) pr_info("expect warning: " text "\n")

#endif /* _EXPECT_WARNING_H */
