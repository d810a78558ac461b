// SPDX-License-Identifier: GPL-2.0-only
/* Random control lines and attribute values, valid and not. Knows nothing of grammar.c. */
#include "fuzz.h"

static size_t put_number(uint64_t *r, char *out)
{
	static const char *const edges[] = {
		"0", "1", "2", "-1", "-0", "+0", "+1", "00", "01", "999999", "1000000",
		"1000001", "1000002", "599999", "600000", "600001", "0000000001000000",
		"-600000", "2147483647", "2147483648", "4294967295", "4294967296", "4294967297",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551615", "18446744073709551616",
		"18446744073709551617", "18446744073710151616",
		"340282366920938463463374607431768211457", "99999999999999999999999999",
		"99999999999999999999x", "0x10", "1e3", "1.0", "1,0", "--1", "++1", "+-1",
		"-+1", "+", "-", "1x", "x1", "1-", "1_0", "0b1", "'1'", "\"1\"",
	};

	static const unsigned int bounds[] = {
		0, 1, MAX_MS - 1, MAX_MS, MAX_MS + 1, MAX_COUNT - 1, MAX_COUNT, MAX_COUNT + 1,
	};

	switch (rng_below(r, 6)) {
	case 0:
		return sprintf(out, "%u",
			       one_in(r, 4) ? rng_below(r, 10) : bounds[rng_below(r, 8)]);
	case 1:
		return sprintf(out, "%u", 1 + rng_below(r, 600000));
	case 2:
		return sprintf(out, "%0*u", 1 + rng_below(r, 50), rng_below(r, 1100000));
	case 3:
		return sprintf(out, "%lld", (long long)(rng(r) >> rng_below(r, 64)));
	default:
		return sprintf(out, "%s", edges[rng_below(r, ARRAY_SIZE(edges))]);
	}
}

static size_t put_blanks(uint64_t *r, char *out, unsigned int min)
{
	size_t n = one_in(r, 4) ? min + rng_below(r, 4) : min, i;

	for (i = 0; i < n; i++)
		out[i] = one_in(r, 4) ? " \t\r\v\f"[rng_below(r, 5)] : ' ';
	return n;
}

/* A storm takes the CPU from everything else, so its number, if valid, is small. */
static size_t put_storm_number(uint64_t *r, char *out)
{
	static const char *const edges[] = { "0", "-1", "1000001", "+3", "007", "x", "1x", "-0" };

	if (one_in(r, 4))
		return sprintf(out, "%s", edges[rng_below(r, ARRAY_SIZE(edges))]);
	return sprintf(out, "%u", 1 + rng_below(r, 30));
}

/* A command with numbers, which are all valid if @good. At most 200 bytes. */
static size_t put_numbers(uint64_t *r, char *out, bool good)
{
	const struct command *command = &commands[rng_below(r, NR_COMMANDS)];
	unsigned int nr, i;
	size_t n = put_blanks(r, out, 0);

	/* Rarely, or there would never be many rules. */
	if (!strcmp(command->name, "clear") && !one_in(r, 12))
		command = &commands[0];
	nr = command->min_args;
	nr += rng_below(r, command->max_args - nr + 1);
	if (!good && one_in(r, 3))
		nr = rng_below(r, 4);
	n += sprintf(out + n, "%s", command->name);
	for (i = 0; i < nr; i++) {
		n += put_blanks(r, out + n, 1);
		if (!strcmp(command->name, "storm"))
			n += good ? sprintf(out + n, "%u", 1 + rng_below(r, 30)) :
				    put_storm_number(r, out + n);
		else if (good)
			n += sprintf(out + n, "%u", 1 + rng_below(r, one_in(r, 4) ? 600000 : 20));
		else
			n += put_number(r, out + n);
	}
	return n + put_blanks(r, out + n, 0);
}

/* A number for a rule: valid if @good, and mostly small. */
static size_t put_rule_number(uint64_t *r, char *out, bool good)
{
	if (!good && one_in(r, 3))
		return put_number(r, out);
	return sprintf(out, "%u", 1 + rng_below(r, one_in(r, 10) ? 4000 : 9));
}

/* Two numbers, of which the first is the lower one if @good, or only one. */
static size_t put_pair(uint64_t *r, char *out, char between, bool good)
{
	unsigned int low = 1 + rng_below(r, 2000);
	size_t n;

	if (good)
		n = sprintf(out, "%u", low);
	else
		n = put_rule_number(r, out, false);
	if (between == '-' && one_in(r, 3))
		return n;
	if (good || !one_in(r, 8))
		out[n++] = between;
	if (good)
		return n + sprintf(out + n, "%u", low + rng_below(r, 2000));
	return n + put_rule_number(r, out + n, false);
}

/* A rule with some options in any order, maybe one of them twice. At most 600 bytes. */
static size_t put_rule(uint64_t *r, char *out, bool good)
{
	static const char *const faults[] = {
		"hang", "error", "lost", "duplicate", "corrupt", "short", "dead", "gone",
		"reset-hang", "reset-lost", "abort-hang", "late", "storm", "spurious",
		"revive", "latency", "rule", "slot",
	};
	static const char *const options[] = {
		"after", "every", "times", "chance", "size", "slot",
	};
	unsigned int fault = rng_below(r, good ? 14 : 18), had = 0, i;
	unsigned int nr = rng_below(r, good ? 7 : 9);
	size_t n = sprintf(out, "rule");

	n += put_blanks(r, out + n, 1);
	n += sprintf(out + n, "%s", faults[fault]);
	if (fault == 11 || fault == 12 || (fault == 13 && one_in(r, 2)) ||
	    (!good && one_in(r, 20))) {
		n += put_blanks(r, out + n, 1);
		n += fault == 12 ? put_storm_number(r, out + n) : put_rule_number(r, out + n, good);
	}
	while (nr--) {
		i = rng_below(r, good && fault >= 8 && fault <= 10 ? 4 : 6);
		if ((good || !one_in(r, 4)) && had & 1 << i)
			continue;
		had |= 1 << i;
		n += put_blanks(r, out + n, 1);
		n += sprintf(out + n, "%s", options[i]);
		n += put_blanks(r, out + n, 1);
		if (i == 3)
			n += put_pair(r, out + n, '/', good);
		else if (i == 4)
			n += put_pair(r, out + n, '-', good);
		else if (i == 5)
			n += sprintf(out + n, "%u", rng_below(r, good ? 4 : 6));
		else
			n += put_rule_number(r, out + n, good);
	}
	if (!good && one_in(r, 10))
		n += sprintf(out + n, " %s", options[rng_below(r, 6)]);
	return n;
}

/* A rule to be dropped, which may be there. */
static size_t put_drop(uint64_t *r, char *out, bool good)
{
	size_t n = sprintf(out, "drop ");

	if (!good && one_in(r, 3))
		return n + put_number(r, out + n);
	return n + sprintf(out + n, "%u", 1 + rng_below(r, one_in(r, 2) ? 12 : 150));
}

static size_t put_latency(uint64_t *r, char *out, bool good)
{
	size_t n = sprintf(out, "latency ");

	return n + put_pair(r, out + n, '-', good);
}

/* A command with its words, which are all valid if @good. At most 600 bytes. */
static size_t put_command(uint64_t *r, char *out, bool good)
{
	switch (rng_below(r, 8)) {
	case 0 ... 1:
		return put_rule(r, out, good);
	case 2:
		return one_in(r, 3) ? put_latency(r, out, good) : put_drop(r, out, good);
	default:
		return put_numbers(r, out, good);
	}
}

size_t put_noise(uint64_t *r, char *out, size_t max)
{
	unsigned int kind = rng_below(r, 4);
	size_t n = rng_below(r, max), i;

	for (i = 0; i < n; i++)
		out[i] = kind == 0 ? rng(r) : kind == 1 ? ' ' + rng_below(r, 95) :
			 kind == 2 ? " \t\r\v\f\n\0x1-"[rng_below(r, 10)] :
			 "adehlnrst-y 0123456789"[rng_below(r, 22)];
	return n;
}

static size_t mutate(uint64_t *r, char *line, size_t n)
{
	unsigned int times = 1 + rng_below(r, 3);
	size_t at;

	while (times-- && n) {
		at = rng_below(r, n);
		switch (rng_below(r, 6)) {
		case 0:
			line[at] = rng(r);
			break;
		case 1:
			line[at] ^= 1 << rng_below(r, 8);
			break;
		case 2:
			memmove(line + at, line + at + 1, n - at - 1);
			n--;
			break;
		case 3:
			memmove(line + at + 1, line + at, n - at);
			n++;
			break;
		case 4:
			memmove(line + at + 1, line + at, n - at);
			line[at] = one_in(r, 3) ? 0 : rng(r);
			n++;
			break;
		case 5:
			n = at;
		}
	}
	return n;
}

/* Pad a line with blanks to about the longest that is allowed. */
static size_t stretch(uint64_t *r, char *line, size_t n)
{
	size_t len = MAX_LINE - 2 + rng_below(r, 5);

	if (n >= len)
		return n;
	if (one_in(r, 2)) {
		memset(line + n, ' ', len - n);
	} else {
		memmove(line + len - n, line, n);
		memset(line, ' ', len - n);
	}
	return len;
}

/* A line with its newline. Noise may contain more newlines. At most 4200 bytes. */
static size_t put_line(uint64_t *r, char *out, unsigned int bad_percent)
{
	size_t n;

	if (rng_below(r, 100) >= bad_percent) {
		n = put_command(r, out, true);
		if (one_in(r, 8))
			n = stretch(r, out, n);
	} else {
		switch (rng_below(r, 16)) {
		case 0:
			n = put_noise(r, out, 120);
			break;
		case 1:
			n = put_noise(r, out, one_in(r, 20) ? 4000 : 90);
			break;
		case 2:
			n = put_blanks(r, out, 0);
			break;
		case 3 ... 5:
			n = stretch(r, out, put_command(r, out, one_in(r, 2)));
			break;
		case 6 ... 10:
			n = put_command(r, out, false);
			break;
		default:
			n = mutate(r, out, put_command(r, out, one_in(r, 2)));
		}
	}
	out[n++] = '\n';
	return n;
}

/* Lines for one write, at the arena's end: reading beyond them faults. */
uint8_t *put_lines(uint64_t *r, uint8_t *arena, size_t max, size_t *len)
{
	static __thread char text[ARENA];
	static const unsigned int percents[] = { 0, 3, 20, 60, 100 };
	unsigned int percent = percents[rng_below(r, 5)];
	size_t n = 0;

	max = 1 + rng_below(r, max);
	while (n < max)
		n += put_line(r, text + n, percent);
	if (one_in(r, 2))
		n--;	/* a last line without newline */
	memcpy(arena + ARENA - n, text, n);
	*len = n;
	return arena + ARENA - n;
}

/* A text for a writable attribute. */
size_t put_setting(uint64_t *r, char *out)
{
	static const unsigned int edges[] = { 0, 1, 100, 101, 3600, 3601 };
	size_t n;

	switch (rng_below(r, 8)) {
	case 0:
		return put_noise(r, out, one_in(r, 10) ? 6000 : 20);
	case 1:
		n = mutate(r, out, sprintf(out, "%u", rng_below(r, 4000)));
		break;
	case 2:
		n = put_number(r, out);
		break;
	case 3:
		n = sprintf(out, "%u", edges[rng_below(r, ARRAY_SIZE(edges))]);
		break;
	default:
		n = sprintf(out, "%u", rng_below(r, one_in(r, 3) ? 4000 : 4));
	}
	if (one_in(r, 3))
		out[n++] = '\n';
	return n;
}
