// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of the control node and of the attributes by sim_dev.4, a second time:
 * what a write must return, and what state it must leave.
 */
#include "fuzz.h"

const struct command commands[NR_COMMANDS] = {
	{ "hang", 0, 1, false }, { "late", 1, 2, true }, { "error", 0, 1, false },
	{ "reset-hang", 0, 1, false }, { "spurious", 0, 1, false },
	{ "lost", 0, 1, false }, { "duplicate", 0, 1, false }, { "reset-lost", 0, 1, false },
	{ "storm", 1, 1, false },
	{ "latency", 1, 1, true }, { "reset-latency", 1, 1, true },
	{ "dead", 0, 0, false }, { "gone", 0, 0, false }, { "revive", 0, 0, false },
	{ "clear", 0, 0, false },
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/*
 * A decimal number with at most one sign: 0 or an errno. As soon as the digits
 * exceed 64 bits the number is out of range, whatever follows them.
 */
static int parse_number(const uint8_t *word, size_t len, unsigned int min,
			unsigned int max, unsigned int *number)
{
	bool minus = len && *word == '-', huge = false;
	size_t i = len && (*word == '-' || *word == '+');
	uint64_t value = 0;

	if (i == len)
		return EINVAL;
	for (; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return huge ? ERANGE : EINVAL;
		huge |= __builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, word[i] - '0', &value);
	}
	if (huge || (minus && value) || value < min || value > max)
		return ERANGE;
	*number = value;
	return 0;
}

/* Faults with one number: how often they strike. */
static unsigned int *model_fault(struct model *m, const char *name)
{
	return !strcmp(name, "hang") ? &m->hang :
	       !strcmp(name, "error") ? &m->error :
	       !strcmp(name, "reset-hang") ? &m->reset_hang :
	       !strcmp(name, "spurious") ? &m->spurious :
	       !strcmp(name, "lost") ? &m->lost :
	       !strcmp(name, "duplicate") ? &m->duplicate :
	       !strcmp(name, "reset-lost") ? &m->reset_lost :
	       !strcmp(name, "storm") ? &m->storm : NULL;
}

static void model_clear(struct model *m)
{
	m->hang = 0;
	m->late = 0;
	m->error = 0;
	m->reset_hang = 0;
	m->spurious = 0;
	m->lost = 0;
	m->duplicate = 0;
	m->reset_lost = 0;
	m->storm = 0;
}

/* What a valid command does. */
static void apply(struct model *m, const char *name, const unsigned int *args, unsigned int nr)
{
	unsigned int *fault = model_fault(m, name), times = nr ? args[0] : 1;

	if (fault) {
		*fault = times;
		if (fault == &m->spurious || fault == &m->storm)
			m->all_spurious += times;
	} else if (!strcmp(name, "late")) {
		m->late_ms = args[0];
		m->late = nr > 1 ? args[1] : 1;
	} else if (!strcmp(name, "latency")) {
		m->latency = args[0];
	} else if (!strcmp(name, "reset-latency")) {
		m->reset_latency = args[0];
	} else if (!strcmp(name, "clear")) {
		model_clear(m);
	} else if (!strcmp(name, "gone")) {
		m->gone = true;
	} else if (!strcmp(name, "dead")) {
		m->dead = true;
	} else {		/* revive */
		m->dead = false;
		m->gone = false;
	}
}

static const struct command *find_command(const uint8_t *word, size_t len)
{
	unsigned int i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (strlen(commands[i].name) == len && !memcmp(commands[i].name, word, len))
			return &commands[i];
	return NULL;
}

/* One line without its newline: 0 or an errno. A valid one is applied to @m, if not NULL. */
static int predict_line(const uint8_t *line, size_t len, struct model *m)
{
	const struct command *command = NULL;
	unsigned int args[2], nr = 0;
	size_t start, end;
	int err;

	if (len > MAX_LINE)
		return EMSGSIZE;
	if (memchr(line, 0, len))
		return EINVAL;
	for (end = 0;;) {
		for (start = end; start < len && is_blank(line[start]); start++)
			;
		for (end = start; end < len && !is_blank(line[end]); end++)
			;
		if (start == end)
			break;
		if (!command) {
			command = find_command(line + start, end - start);
			if (!command)
				return EINVAL;
			continue;
		}
		if (nr == command->max_args)
			return EINVAL;
		err = command->ms && !nr ?
			parse_number(line + start, end - start, 0, MAX_MS, &args[nr]) :
			parse_number(line + start, end - start, 1, MAX_COUNT, &args[nr]);
		if (err)
			return err;
		nr++;
	}
	if (!command)
		return 0;
	if (nr < command->min_args)
		return EINVAL;
	if (m)
		apply(m, command->name, args, nr);
	return 0;
}

size_t line_length(const uint8_t *p, size_t len)
{
	const uint8_t *newline = memchr(p, '\n', len);

	return newline ? newline - p : len;
}

/*
 * Predict a write of @count bytes of which @avail can be read. The lines of @most bytes
 * are applied to @m, if not NULL.
 */
struct prediction predict_write(const uint8_t *p, size_t avail, size_t count, struct model *m)
{
	struct prediction v = {};
	size_t len, all;

	while (v.most < avail && !v.err) {
		len = line_length(p + v.most, avail - v.most);
		all = len + (v.most + len < avail);
		if (all == len && avail < count) {	/* the line continues where memory faults */
			v.err = len > MAX_LINE ? EMSGSIZE : EFAULT;
			v.bad = all;
			break;
		}
		v.err = predict_line(p + v.most, len, m);
		if (v.err) {
			v.bad = all;
			break;
		}
		if (avail == count || v.most + MAX_LINE + 1 <= avail)
			v.least = v.most + all;
		v.most += all;
		v.lines++;
	}
	if (avail < count && !v.err)
		v.err = EFAULT;
	return v;
}

/* The attributes */

const struct attr attrs[NR_ATTRS] = {
	{ "timeout", 1, 3600 }, { "reset_timeout", 1, 3600 }, { "max_retries", 0, 100 },
	{ "state", 0, 0 }, { "counter", 0, 0 }, { "submitted", 0, 0 }, { "completed", 0, 0 },
	{ "failed", 0, 0 }, { "cancelled", 0, 0 }, { "timeouts", 0, 0 }, { "resets", 0, 0 },
	{ "reset_failures", 0, 0 }, { "retries", 0, 0 }, { "late", 0, 0 }, { "spurious", 0, 0 },
	{ "missed", 0, 0 },
};

/*
 * sysfs passes on a page at most, up to a NUL. A newline may end the number. Unlike in a
 * command, a minus is invalid and not out of range.
 */
int predict_attr(const struct attr *attr, const uint8_t *p, size_t len, unsigned int *value)
{
	size_t n = strnlen((const char *)p, len < 4096 ? len : 4096);

	if (n && p[n - 1] == '\n')
		n--;
	if (n && *p == '-')
		return EINVAL;
	return parse_number(p, n, attr->min, attr->max, value);
}

/* A line for a message, shortened and with escapes; valid until the thread's next call. */
const char *quoted(const uint8_t *p, size_t len)
{
	static __thread char text[600];
	size_t n = 0, i;

	for (i = 0; i < len && n < sizeof(text) - 8; i++)
		n += sprintf(text + n,
			     p[i] >= ' ' && p[i] < 127 && p[i] != '\\' ? "%c" : "\\x%02x", p[i]);
	sprintf(text + n, "%s", i < len ? "..." : "");
	return text;
}
