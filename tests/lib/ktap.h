/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program's results, as KTAP by the kernel's own kselftest.h: ksft_set_plan(),
 * check() once for each test, ksft_finished(). For one file of a program only:
 * kselftest.h counts in static variables.
 */
#ifndef _KTAP_H
#define _KTAP_H

#include "client.h"
#include "kselftest.h"

static inline __attribute__((format(printf, 2, 3)))
void check(bool ok, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_test_result(ok, "%s\n", text);
}

#endif /* _KTAP_H */
