// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of the control node and of the attributes by sim_dev.4, a second time:
 * what a write must return, and what state it must leave.
 */
#include "fuzz.h"

const struct command commands[NR_COMMANDS] = {
	{ "hang", 0, 1, COUNT }, { "late", 1, 2, MS }, { "error", 0, 1, COUNT },
	{ "reset-hang", 0, 1, COUNT }, { "spurious", 0, 1, COUNT },
	{ "lost", 0, 1, COUNT }, { "duplicate", 0, 1, COUNT }, { "reset-lost", 0, 1, COUNT },
	{ "storm", 1, 1, COUNT }, { "corrupt", 0, 1, COUNT }, { "short", 0, 1, COUNT },
	{ "abort-hang", 0, 1, COUNT },
	{ "latency", 1, 1, MS_RANGE }, { "reset-latency", 1, 1, MS },
	{ "seed", 1, 1, SEED }, { "drop", 1, 1, RULE_NUMBER },
	{ "dead", 0, 0, COUNT }, { "gone", 0, 0, COUNT }, { "revive", 0, 0, COUNT },
	{ "clear", 0, 0, COUNT },
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

/* One number, or two with a minus between them, of which the second is not the lower one. */
static int parse_range(const uint8_t *word, size_t len, unsigned int min, unsigned int max,
		       unsigned int *low, unsigned int *high)
{
	const uint8_t *minus = len > 1 ? memchr(word + 1, '-', len - 1) : NULL;
	size_t first = minus ? minus - word : len;
	int err = parse_number(word, first, min, max, low);

	*high = *low;
	if (err || !minus)
		return err;
	return parse_number(minus + 1, len - first - 1, *low, max, high);
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
	       !strcmp(name, "storm") ? &m->storm :
	       !strcmp(name, "corrupt") ? &m->corrupt :
	       !strcmp(name, "short") ? &m->shorter :
	       !strcmp(name, "abort-hang") ? &m->abort_hang : NULL;
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
	m->corrupt = 0;
	m->shorter = 0;
	m->abort_hang = 0;
	m->nr_rules = 0;
	m->last_rule = 0;
}

/* Drop a rule: 0, or ENOENT. Without a model that is not known. */
static int model_drop(struct model *m, unsigned int number, int *maybe)
{
	unsigned int i;

	if (!m) {
		*maybe = ENOENT;
		return 0;
	}
	for (i = 0; i < m->nr_rules && m->rules[i].number != number; i++)
		;
	if (i == m->nr_rules)
		return ENOENT;
	for (m->nr_rules--; i < m->nr_rules; i++)
		m->rules[i] = m->rules[i + 1];
	return 0;
}

/* Add a rule: 0, or ENOSPC. Without a model that is not known. */
static int model_rule(struct model *m, const char *text, int *maybe)
{
	if (!m) {
		*maybe = ENOSPC;
		return 0;
	}
	if (m->nr_rules == MAX_RULES)
		return ENOSPC;
	m->rules[m->nr_rules].number = ++m->last_rule;
	snprintf(m->rules[m->nr_rules++].text, sizeof(m->rules[0].text), "%s", text);
	return 0;
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
		m->max_latency = args[1];
	} else if (!strcmp(name, "seed")) {
		m->seed = args[0];
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

struct word {
	const uint8_t *p;
	size_t len;
};

#define MAX_WORDS	(MAX_LINE / 2 + 1)

static unsigned int split(const uint8_t *line, size_t len, struct word *words)
{
	unsigned int nr = 0;
	size_t start, end;

	for (end = 0;; nr++) {
		for (start = end; start < len && is_blank(line[start]); start++)
			;
		for (end = start; end < len && !is_blank(line[end]); end++)
			;
		if (start == end)
			return nr;
		words[nr] = (struct word){ line + start, end - start };
	}
}

static bool is(const struct word *word, const char *text)
{
	return word->len == strlen(text) && !memcmp(word->p, text, word->len);
}

/* What a rule may begin with. */
static const struct rule_fault {
	const char *name;
	bool of_operations;
	enum { NOTHING, TIME, NUMBER, NUMBER_OR_ONE } follows;
} rule_faults[] = {
	{ "hang", true, NOTHING }, { "late", true, TIME }, { "error", true, NOTHING },
	{ "lost", true, NOTHING }, { "duplicate", true, NOTHING }, { "corrupt", true, NOTHING },
	{ "short", true, NOTHING }, { "dead", true, NOTHING }, { "gone", true, NOTHING },
	{ "spurious", true, NUMBER_OR_ONE }, { "storm", true, NUMBER },
	{ "reset-hang", false, NOTHING }, { "reset-lost", false, NOTHING },
	{ "abort-hang", false, NOTHING },
};

/* What the options of a rule say; 0 is what holds without one. */
struct rule_options {
	unsigned int after, every, times, chance, in, low_size, high_size;
	int slot;		/* -1: none given */
	bool has_after, has_every, has_times, has_chance, has_size, has_slot;
};

static int parse_chance(const struct word *w, struct rule_options *o)
{
	const uint8_t *slash = memchr(w->p, '/', w->len);
	size_t first = slash ? slash - w->p : 0;
	int err;

	if (!slash)
		return EINVAL;
	err = parse_number(w->p, first, 1, MAX_COUNT, &o->chance);
	return err ? err : parse_number(slash + 1, w->len - first - 1, o->chance, MAX_COUNT,
					&o->in);
}

/* One option: its name, and the word behind it, if there is one. */
static int parse_option(const struct word *name, const struct word *value, bool of_operations,
			struct rule_options *o)
{
	const struct {
		const char *name;
		bool *has;
		bool operations_only;
	} all[] = {
		{ "after", &o->has_after, false }, { "every", &o->has_every, false },
		{ "times", &o->has_times, false }, { "chance", &o->has_chance, false },
		{ "size", &o->has_size, true }, { "slot", &o->has_slot, true },
	};
	unsigned int i, slot;
	int err;

	for (i = 0; i < ARRAY_SIZE(all) && !is(name, all[i].name); i++)
		;
	if (i == ARRAY_SIZE(all) || *all[i].has || (all[i].operations_only && !of_operations))
		return EINVAL;
	*all[i].has = true;
	if (!value)
		return EINVAL;
	switch (i) {
	case 0:
		return parse_number(value->p, value->len, 0, MAX_COUNT, &o->after);
	case 1:
		return parse_number(value->p, value->len, 1, MAX_COUNT, &o->every);
	case 2:
		return parse_number(value->p, value->len, 1, MAX_COUNT, &o->times);
	case 3:
		return parse_chance(value, o);
	case 4:
		return parse_range(value->p, value->len, 1, MAX_REQUEST, &o->low_size,
				   &o->high_size);
	}
	err = parse_number(value->p, value->len, 0, nr_dev_slots - 1, &slot);
	o->slot = slot;
	return err;
}

/* As the node shows a rule: what changes nothing is left out. */
static void write_rule(char *text, const struct rule_fault *fault, unsigned int number,
		       const struct rule_options *o)
{
	text += sprintf(text, "%s", fault->name);
	if (fault->follows != NOTHING)
		text += sprintf(text, " %u", number);
	if (o->after)
		text += sprintf(text, " after %u", o->after);
	if (o->every > 1)
		text += sprintf(text, " every %u", o->every);
	if (o->times)
		text += sprintf(text, " times %u", o->times);
	if (o->chance != o->in)
		text += sprintf(text, " chance %u/%u", o->chance, o->in);
	if (o->low_size)
		text += sprintf(text, " size %u", o->low_size);
	if (o->low_size != o->high_size)
		text += sprintf(text, "-%u", o->high_size);
	if (o->slot >= 0)
		sprintf(text, " slot %d", o->slot);
}

/* The words behind "rule". */
static int predict_rule(const struct word *words, unsigned int nr, struct model *m, int *maybe)
{
	const struct rule_fault *fault = rule_faults;
	struct rule_options o = { .slot = -1 };
	unsigned int i = 1, number = 1;
	char text[sizeof(m->rules[0].text)];
	bool has_number;
	int err = 0;

	if (!nr)
		return EINVAL;
	while (!is(&words[0], fault->name))
		if (++fault == rule_faults + ARRAY_SIZE(rule_faults))
			return EINVAL;
	/* A word that is no option is the number, right or wrong. */
	has_number = nr > 1 && !is(&words[1], "after") && !is(&words[1], "every") &&
		     !is(&words[1], "times") && !is(&words[1], "chance") &&
		     !is(&words[1], "size") && !is(&words[1], "slot");
	if (has_number && fault->follows != NOTHING) {
		err = fault->follows == TIME ?
			parse_number(words[1].p, words[1].len, 0, MAX_MS, &number) :
			parse_number(words[1].p, words[1].len, 1, MAX_COUNT, &number);
		i = 2;
	} else if (fault->follows == TIME || fault->follows == NUMBER) {
		return EINVAL;
	}
	for (; !err && i < nr; i += 2)
		err = parse_option(&words[i], i + 1 < nr ? &words[i + 1] : NULL,
				   fault->of_operations, &o);
	if (err)
		return err;
	write_rule(text, fault, number, &o);
	return model_rule(m, text, maybe);
}

/* The words behind another command. */
static int predict_command(const struct command *command, const struct word *words,
			   unsigned int nr, struct model *m, int *maybe)
{
	static const struct {
		unsigned int min, max;
	} limits[] = {
		[COUNT] = { 1, MAX_COUNT }, [MS] = { 0, MAX_MS }, [MS_RANGE] = { 0, MAX_MS },
		[SEED] = { 0, UINT32_MAX }, [RULE_NUMBER] = { 1, UINT32_MAX },
	};
	unsigned int args[2] = {}, i;
	int err;

	for (i = 0; i < nr; i++) {
		enum number kind = i ? COUNT : command->kind;

		if (i == command->max_args)
			return EINVAL;
		err = kind == MS_RANGE ?
			parse_range(words[i].p, words[i].len, limits[kind].min, limits[kind].max,
				    &args[0], &args[1]) :
			parse_number(words[i].p, words[i].len, limits[kind].min,
				     limits[kind].max, &args[i]);
		if (err)
			return err;
	}
	if (nr < command->min_args)
		return EINVAL;
	if (command->kind == RULE_NUMBER)
		return model_drop(m, args[0], maybe);
	if (m)
		apply(m, command->name, args, nr);
	return 0;
}

/*
 * One line without its newline: 0 or an errno. A valid one is applied to @m, if not
 * NULL; else *@maybe is the errno with which the line may fail all the same.
 */
static int predict_line(const uint8_t *line, size_t len, struct model *m, int *maybe)
{
	const struct command *command;
	struct word words[MAX_WORDS];
	unsigned int nr;

	*maybe = 0;
	if (len > MAX_LINE)
		return EMSGSIZE;
	if (memchr(line, 0, len))
		return EINVAL;
	nr = split(line, len, words);
	if (!nr)
		return 0;
	if (is(&words[0], "rule"))
		return predict_rule(words + 1, nr - 1, m, maybe);
	command = find_command(words[0].p, words[0].len);
	return command ? predict_command(command, words + 1, nr - 1, m, maybe) : EINVAL;
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
	bool certain = true;
	size_t len, all;
	int maybe;

	while (v.most < avail && !v.err) {
		len = line_length(p + v.most, avail - v.most);
		all = len + (v.most + len < avail);
		if (all == len && avail < count) {	/* the line continues where memory faults */
			v.err = len > MAX_LINE ? EMSGSIZE : EFAULT;
			v.bad = all;
			break;
		}
		v.err = predict_line(p + v.most, len, m, &maybe);
		if (v.err) {
			v.bad = all;
			break;
		}
		if (certain && maybe) {
			certain = false;
			v.maybe = v.least ? 0 : maybe;
		}
		if (certain && (avail == count || v.most + MAX_LINE + 1 <= avail))
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
