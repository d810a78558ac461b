// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_rules - which operation, reset or abort a fault strikes
 *
 * Each rule counts the operations of its size and slot (a rule for resets or aborts
 * counts these), and its turns depend on this count only. So other rules do not
 * change them: with "error every 2" and "hang every 3", the first rule strikes the
 * operations 2, 4 and 6, and the second 3 and 9. Operation 6 is the turn of both,
 * and the first rule wins.
 *
 * For the same reason each rule has random numbers of its own. They depend on the
 * seed and the rule's number only.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "sim_rules.h"

/* What follows a fault's name in a rule. */
enum sim_rules_arg {
	SIM_RULES_NO_ARG,
	SIM_RULES_ARG_MS,
	SIM_RULES_ARG_COUNT,
	SIM_RULES_ARG_MAYBE_COUNT,	/* 1 if there is none */
};

static const struct {
	const char *name;
	enum sim_rules_event event;
	enum sim_rules_arg arg;
	bool at_once;		/* sim_hw_inject() begins it at once, without an operation */
} sim_rules_faults[SIM_HW_NR_FAULTS] = {
	[SIM_HW_HANG] = { "hang", SIM_RULES_OPERATION },
	[SIM_HW_LATE] = { "late", SIM_RULES_OPERATION, SIM_RULES_ARG_MS },
	[SIM_HW_ERROR] = { "error", SIM_RULES_OPERATION },
	[SIM_HW_RESET_HANG] = { "reset-hang", SIM_RULES_RESET },
	[SIM_HW_SPURIOUS] = { "spurious", SIM_RULES_OPERATION,
			      SIM_RULES_ARG_MAYBE_COUNT, true },
	[SIM_HW_LOST] = { "lost", SIM_RULES_OPERATION },
	[SIM_HW_DUPLICATE] = { "duplicate", SIM_RULES_OPERATION },
	[SIM_HW_RESET_LOST] = { "reset-lost", SIM_RULES_RESET },
	[SIM_HW_STORM] = { "storm", SIM_RULES_OPERATION, SIM_RULES_ARG_COUNT, true },
	[SIM_HW_CORRUPT] = { "corrupt", SIM_RULES_OPERATION },
	[SIM_HW_SHORT] = { "short", SIM_RULES_OPERATION },
	[SIM_HW_ABORT_HANG] = { "abort-hang", SIM_RULES_ABORT },
	[SIM_HW_DEAD] = { "dead", SIM_RULES_OPERATION },
	[SIM_HW_GONE] = { "gone", SIM_RULES_OPERATION },
};

/**
 * sim_rules_name - a fault's name
 * @fault: the fault
 *
 * Context: any.
 * Return: the name, as commands have it.
 */
const char *sim_rules_name(enum sim_hw_fault fault)
{
	return sim_rules_faults[fault].name;
}

/**
 * sim_rules_takes_arg - may a number follow the fault's name in a rule?
 * @fault: the fault
 *
 * Context: any.
 * Return: true if one must or may follow.
 */
bool sim_rules_takes_arg(enum sim_hw_fault fault)
{
	return sim_rules_faults[fault].arg != SIM_RULES_NO_ARG;
}

/**
 * sim_rules_is_of - can a fault strike this?
 * @fault: the fault
 * @event: what it strikes
 *
 * Context: any.
 * Return: true if it can.
 */
bool sim_rules_is_of(enum sim_hw_fault fault, enum sim_rules_event event)
{
	return sim_rules_faults[fault].event == event;
}

/* Random numbers: splitmix64, whose first number is good already, with any seed. */

static u64 sim_rules_mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static u32 sim_rules_next(u64 *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return sim_rules_mix(*state) >> 32;
}

/* A number from 0 to @bound - 1. */
static u32 sim_rules_below(u64 *state, u32 bound)
{
	return (u64)sim_rules_next(state) * bound >> 32;
}

/* The first state of a rule's random numbers. Number 0 is the device itself. */
static u64 sim_rules_begin(const struct sim_rules *rules, u32 number)
{
	return sim_rules_mix((u64)rules->seed << 32 | number);
}

/**
 * sim_rules_random - draw one of the device's random numbers
 * @rules: the device's rules
 * @low: the lowest possible number
 * @high: the highest possible number, below UINT_MAX
 *
 * Context: any, under the caller's lock.
 * Return: the number. If @low is @high, no random number is used up.
 */
unsigned int sim_rules_random(struct sim_rules *rules, unsigned int low,
			      unsigned int high)
{
	if (low == high)
		return low;
	return low + sim_rules_below(&rules->random, high - low + 1);
}

/**
 * sim_rules_seed - begin the random numbers of the device and of each rule
 * @rules: the device's rules
 * @seed: where they begin
 *
 * Context: any, under the caller's lock.
 */
void sim_rules_seed(struct sim_rules *rules, u32 seed)
{
	unsigned int i;

	rules->seed = seed;
	rules->random = sim_rules_begin(rules, 0);
	for (i = 0; i < rules->nr; i++)
		rules->rule[i].random = sim_rules_begin(rules, rules->rule[i].number);
}

/* Rules */

/**
 * sim_rules_clear - drop all rules and pending faults
 * @rules: the device's rules
 *
 * The next rule has number 1. The seed stays.
 *
 * Context: any, under the caller's lock.
 */
void sim_rules_clear(struct sim_rules *rules)
{
	memset(rules->pending, 0, sizeof(rules->pending));
	rules->nr = 0;
	rules->last = 0;
}

/**
 * sim_rules_add - add a rule behind the others
 * @rules: the device's rules
 * @rule: the rule
 *
 * It gets the next number; a number is not used again before sim_rules_clear().
 *
 * Context: any, under the caller's lock.
 * Return: 0, or -ENOSPC if there are SIM_RULES_MAX rules, or no number is left.
 */
int sim_rules_add(struct sim_rules *rules, const struct sim_rule *rule)
{
	struct sim_rule *added = &rules->rule[rules->nr];

	if (rules->nr == SIM_RULES_MAX || rules->last == U32_MAX)
		return -ENOSPC;
	*added = *rule;
	added->number = ++rules->last;
	added->met = 0;
	added->since = 0;
	added->struck = 0;
	added->random = sim_rules_begin(rules, added->number);
	rules->nr++;
	return 0;
}

/**
 * sim_rules_drop - drop a rule
 * @rules: the device's rules
 * @number: its number
 *
 * Context: any, under the caller's lock.
 * Return: 0, or -ENOENT if there is none of this number.
 */
int sim_rules_drop(struct sim_rules *rules, u32 number)
{
	unsigned int i;

	for (i = 0; i < rules->nr; i++)
		if (rules->rule[i].number == number)
			break;
	if (i == rules->nr)
		return -ENOENT;
	rules->nr--;
	memmove(&rules->rule[i], &rules->rule[i + 1],
		(rules->nr - i) * sizeof(rules->rule[0]));
	return 0;
}

static bool sim_rules_within(const struct sim_range *range, unsigned int number)
{
	return number >= range->low && number <= range->high;
}

/* Count an operation, which has the rule's size and slot. Does the rule strike it? */
static bool sim_rule_has_turn(struct sim_rule *rule)
{
	if (rule->met < rule->after) {
		rule->met++;
		return false;
	}
	if (rule->times && rule->struck >= rule->times)
		return false;
	if (++rule->since < rule->every)
		return false;
	rule->since = 0;
	return rule->chance.low == rule->chance.high ||
	       sim_rules_below(&rule->random, rule->chance.high) < rule->chance.low;
}

/* Take the first of the pending faults that can strike this. */
static enum sim_hw_fault sim_rules_take_pending(struct sim_rules *rules,
						enum sim_rules_event event)
{
	enum sim_hw_fault fault;

	for (fault = 0; fault < SIM_HW_NR_FAULTS; fault++) {
		if (!rules->pending[fault] || !sim_rules_is_of(fault, event) ||
		    sim_rules_faults[fault].at_once)
			continue;
		rules->pending[fault]--;
		break;
	}
	return fault;
}

/**
 * sim_rules_strike - which fault strikes?
 * @rules: the device's rules
 * @event: what begins
 * @slot: in which slot an operation begins
 * @size: its bytes
 * @arg: set to the rule's @arg if a rule strikes; may be NULL
 *
 * Context: any, under the caller's lock.
 * Return: the fault of the first rule that strikes, else the first pending fault,
 * else SIM_HW_NR_FAULTS.
 */
enum sim_hw_fault sim_rules_strike(struct sim_rules *rules,
				   enum sim_rules_event event,
				   unsigned int slot, unsigned int size,
				   unsigned int *arg)
{
	struct sim_rule *strikes = NULL, *rule;

	for (rule = rules->rule; rule < rules->rule + rules->nr; rule++) {
		if (!sim_rules_is_of(rule->fault, event))
			continue;
		if (event == SIM_RULES_OPERATION &&
		    (!sim_rules_within(&rule->size, size) ||
		     !sim_rules_within(&rule->slot, slot)))
			continue;
		/* The rules behind one that strikes count the operation too. */
		if (sim_rule_has_turn(rule) && !strikes)
			strikes = rule;
	}
	if (!strikes)
		return sim_rules_take_pending(rules, event);
	strikes->struck++;
	if (arg)
		*arg = strikes->arg;
	return strikes->fault;
}

/* The text of a rule */

/* What separates words. Not isspace(), which also accepts blanks beyond ASCII. */
#define SIM_RULES_BLANKS " \t\r\v\f"

/**
 * sim_rules_word - cut the next word off a line
 * @line: the line; moved behind the word
 *
 * Context: any.
 * Return: the word; NULL at the line's end.
 */
char *sim_rules_word(char **line)
{
	char *word;

	*line += strspn(*line, SIM_RULES_BLANKS);
	word = strsep(line, SIM_RULES_BLANKS);
	if (!*line)
		*line = word + strlen(word);
	return *word ? word : NULL;
}

/**
 * sim_rules_number - parse a decimal number
 * @word: the number, maybe with a sign
 * @limits: the range that it must be in
 * @number: set to the number
 *
 * Context: any.
 * Return: 0, -EINVAL if it is not a number, -ERANGE if it is out of range.
 */
int sim_rules_number(const char *word, const struct sim_range *limits,
		     unsigned int *number)
{
	long long value;
	int err = kstrtoll(word, 10, &value);

	if (err)
		return err;
	if (value < limits->low || value > limits->high)
		return -ERANGE;
	*number = value;
	return 0;
}

/**
 * sim_rules_range - parse a number, or a range such as 1-9
 * @word: the text, which is changed
 * @limits: the range that both must be in
 * @range: set to the range; a single number is both its ends
 *
 * Context: any.
 * Return: as sim_rules_number(); -ERANGE if the second is below the first.
 */
int sim_rules_range(char *word, const struct sim_range *limits,
		    struct sim_range *range)
{
	struct sim_range second = *limits;
	char *minus = *word ? strchr(word + 1, '-') : NULL;
	int err;

	if (minus)
		*minus = '\0';
	err = sim_rules_number(word, limits, &second.low);
	if (err)
		return err;
	range->low = second.low;
	range->high = second.low;
	return minus ? sim_rules_number(minus + 1, &second, &range->high) : 0;
}

/* N/M: strike with a chance of N in M. */
static int sim_rules_chance(char *word, struct sim_range *chance)
{
	struct sim_range limits = { 1, SIM_HW_MAX_FAULTS };
	char *slash = strchr(word, '/');
	int err;

	if (!slash)
		return -EINVAL;
	*slash = '\0';
	err = sim_rules_number(word, &limits, &chance->low);
	if (err)
		return err;
	limits.low = chance->low;
	return sim_rules_number(slash + 1, &limits, &chance->high);
}

enum sim_rules_option {
	SIM_RULES_AFTER,
	SIM_RULES_EVERY,
	SIM_RULES_TIMES,
	SIM_RULES_CHANCE,
	SIM_RULES_SIZE,
	SIM_RULES_SLOT,
	SIM_RULES_NR_OPTIONS,
};

static const char *const sim_rules_options[SIM_RULES_NR_OPTIONS] = {
	[SIM_RULES_AFTER] = "after",
	[SIM_RULES_EVERY] = "every",
	[SIM_RULES_TIMES] = "times",
	[SIM_RULES_CHANCE] = "chance",
	[SIM_RULES_SIZE] = "size",
	[SIM_RULES_SLOT] = "slot",
};

static enum sim_rules_option sim_rules_find_option(const char *word)
{
	enum sim_rules_option option;

	for (option = 0; option < SIM_RULES_NR_OPTIONS; option++)
		if (!strcmp(word, sim_rules_options[option]))
			break;
	return option;
}

/* Parse what follows an option's name. */
static int sim_rules_option_value(struct sim_rule *rule,
				  enum sim_rules_option option, char *word,
				  unsigned int slots)
{
	static const struct sim_range after = { 0, SIM_HW_MAX_FAULTS };
	static const struct sim_range count = { 1, SIM_HW_MAX_FAULTS };
	static const struct sim_range size = { 1, SIM_HW_BUFFER_SIZE };
	struct sim_range slot = { 0, slots - 1 };
	int err;

	switch (option) {
	case SIM_RULES_AFTER:
		return sim_rules_number(word, &after, &rule->after);
	case SIM_RULES_EVERY:
		return sim_rules_number(word, &count, &rule->every);
	case SIM_RULES_TIMES:
		return sim_rules_number(word, &count, &rule->times);
	case SIM_RULES_CHANCE:
		return sim_rules_chance(word, &rule->chance);
	case SIM_RULES_SIZE:
		return sim_rules_range(word, &size, &rule->size);
	case SIM_RULES_SLOT:
		err = sim_rules_number(word, &slot, &rule->slot.low);
		rule->slot.high = rule->slot.low;
		return err;
	default:
		return -EINVAL;
	}
}

/* Parse the words behind the fault: each option at most once, in any order. */
static int sim_rules_parse_options(struct sim_rule *rule, char *word, char *line,
				   unsigned int slots)
{
	unsigned int had = 0;

	for (; word; word = sim_rules_word(&line)) {
		enum sim_rules_option option = sim_rules_find_option(word);
		int err;

		if (option == SIM_RULES_NR_OPTIONS || had & BIT(option))
			return -EINVAL;
		if (option >= SIM_RULES_SIZE &&
		    !sim_rules_is_of(rule->fault, SIM_RULES_OPERATION))
			return -EINVAL;	/* resets and aborts have no size, and no rule by slot */
		had |= BIT(option);
		word = sim_rules_word(&line);
		if (!word)
			return -EINVAL;
		err = sim_rules_option_value(rule, option, word, slots);
		if (err)
			return err;
	}
	return 0;
}

/* Parse the number behind the fault's name, in *@word; move *@word behind it. */
static int sim_rules_parse_arg(struct sim_rule *rule, char **word, char **line)
{
	static const struct sim_range count = { 1, SIM_HW_MAX_FAULTS };
	static const struct sim_range ms = { 0, SIM_HW_MAX_MS };
	enum sim_rules_arg arg = sim_rules_faults[rule->fault].arg;
	int err;

	rule->arg = arg == SIM_RULES_ARG_MAYBE_COUNT;
	if (arg == SIM_RULES_NO_ARG)
		return 0;
	if (arg == SIM_RULES_ARG_MAYBE_COUNT &&
	    (!*word || sim_rules_find_option(*word) != SIM_RULES_NR_OPTIONS))
		return 0;
	if (!*word)
		return -EINVAL;
	err = sim_rules_number(*word, arg == SIM_RULES_ARG_MS ? &ms : &count,
			       &rule->arg);
	*word = sim_rules_word(line);
	return err;
}

/**
 * sim_rules_parse - parse a rule
 * @rule: filled in
 * @line: the words behind "rule", which are changed:
 *	FAULT [ARG] [after N] [every N] [times N] [chance N/M] [size A[-B]] [slot N]
 * @slots: how many slots the device has
 *
 * Context: any.
 * Return: 0; -EINVAL for an unknown word, a bad number, too few or too many words;
 * -ERANGE for a number out of range. The first mistake decides.
 */
int sim_rules_parse(struct sim_rule *rule, char *line, unsigned int slots)
{
	char *word = sim_rules_word(&line);
	enum sim_hw_fault fault;
	int err;

	if (!word)
		return -EINVAL;
	for (fault = 0; fault < SIM_HW_NR_FAULTS; fault++)
		if (!strcmp(word, sim_rules_faults[fault].name))
			break;
	if (fault == SIM_HW_NR_FAULTS)
		return -EINVAL;
	*rule = (struct sim_rule){
		.fault = fault,
		.every = 1,
		.chance = { 1, 1 },
		.size = { 0, SIM_HW_BUFFER_SIZE },
		.slot = { 0, UINT_MAX },
	};
	word = sim_rules_word(&line);
	err = sim_rules_parse_arg(rule, &word, &line);
	return err ? err : sim_rules_parse_options(rule, word, line, slots);
}
