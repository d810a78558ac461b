/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_rules - which operation, reset or abort a fault strikes
 *
 * A rule says which operations a fault strikes: of what size, in what slot, how
 * many to skip first, then every how many, with what chance, and how many in all.
 * sim_dev(4) describes the text of a rule. The rules know no device, no clock and
 * no lock: the caller has them. The random numbers come from a seed, so a second
 * run strikes the same operations.
 */
#ifndef _SIM_RULES_H
#define _SIM_RULES_H

#include <linux/types.h>

#include "sim_hw.h"

#define SIM_RULES_MAX		64	/* rules of a device */
#define SIM_RULES_SEED		1	/* the seed unless another is set */

/**
 * enum sim_rules_event - what a fault can strike
 * @SIM_RULES_OPERATION: an operation's start
 * @SIM_RULES_RESET: a reset's start
 * @SIM_RULES_ABORT: an abort's start
 */
enum sim_rules_event {
	SIM_RULES_OPERATION,
	SIM_RULES_RESET,
	SIM_RULES_ABORT,
};

/**
 * struct sim_range - a range of numbers
 * @low: the lowest
 * @high: the highest
 */
struct sim_range {
	unsigned int low;
	unsigned int high;
};

/**
 * struct sim_rule - a rule
 * @fault: what happens
 * @arg: the number behind the fault: milliseconds of a late interrupt, or how many
 *	interrupts without cause
 * @after: how many operations to skip first
 * @every: then each operation of this number has a turn: 3 is every third
 * @times: how many operations to strike in all; 0: no limit
 * @chance: strike @low of @high turns, at random
 * @size: only operations of so many bytes
 * @slot: only operations in these slots
 * @number: the rule's number
 * @met: how many operations were skipped, see @after
 * @since: how many operations came since the last turn, see @every
 * @struck: how many operations the rule has struck
 * @random: state of the rule's random numbers
 *
 * sim_rules_add() sets the fields from @number on.
 */
struct sim_rule {
	enum sim_hw_fault fault;
	unsigned int arg;
	unsigned int after;
	unsigned int every;
	unsigned int times;
	struct sim_range chance;
	struct sim_range size;
	struct sim_range slot;
	u32 number;
	unsigned int met;
	unsigned int since;
	u64 struck;
	u64 random;
};

/**
 * struct sim_rules - the faults of a device; the caller has the lock
 * @pending: how many faults of each kind are pending besides the rules, see
 *	sim_hw_inject()
 * @seed: where the random numbers began
 * @random: state of the device's random numbers
 * @last: the number of the last rule that was added
 * @nr: how many rules there are
 * @rule: the rules, in the order of their numbers
 */
struct sim_rules {
	unsigned int pending[SIM_HW_NR_FAULTS];
	u32 seed;
	u64 random;
	u32 last;
	unsigned int nr;
	struct sim_rule rule[SIM_RULES_MAX];
};

void sim_rules_seed(struct sim_rules *rules, u32 seed);
void sim_rules_clear(struct sim_rules *rules);
int sim_rules_add(struct sim_rules *rules, const struct sim_rule *rule);
int sim_rules_drop(struct sim_rules *rules, u32 number);
enum sim_hw_fault sim_rules_strike(struct sim_rules *rules,
				   enum sim_rules_event event,
				   unsigned int slot, unsigned int size,
				   unsigned int *arg);
unsigned int sim_rules_random(struct sim_rules *rules, unsigned int low,
			      unsigned int high);

/* The text of a rule */

char *sim_rules_word(char **line);
int sim_rules_number(const char *word, const struct sim_range *limits,
		     unsigned int *number);
int sim_rules_range(char *word, const struct sim_range *limits,
		    struct sim_range *range);
int sim_rules_parse(struct sim_rule *rule, char *line, unsigned int slots);
const char *sim_rules_name(enum sim_hw_fault fault);
bool sim_rules_takes_arg(enum sim_hw_fault fault);
bool sim_rules_is_of(enum sim_hw_fault fault, enum sim_rules_event event);

#endif /* _SIM_RULES_H */
