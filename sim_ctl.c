// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_ctl - a simulated device's control node and attributes
 *
 * Each line that is written to /dev/sim_devN_ctl is a command for the hardware
 * model, which then misbehaves. Reading the node shows the state and the
 * statistics of the driver. The attributes of the platform device show these
 * too, and set the driver's limits.
 */
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include "sim_dev.h"
#include "sim_rules.h"

#define SIM_CTL_MAX_LINE	128	/* bytes */

static const char *sim_ctl_state(const struct sim_dev *sim)
{
	if (io_recovery_resetting(sim->recovery))
		return "resetting";
	return list_empty(&sim->busy) ? "idle" : "busy";
}

/**
 * struct sim_ctl_snapshot - what a reader sees, copied in one hold of the lock
 * @state: "idle", "busy" or "resetting"
 * @counter: seconds until something times out; -1 if nothing is outstanding
 * @outstanding: number of requests
 * @slots: number of slots
 * @stats: counters
 */
struct sim_ctl_snapshot {
	const char *state;
	int counter;
	unsigned int outstanding;
	unsigned int slots;
	struct sim_dev_stats stats;
};

static struct sim_ctl_snapshot sim_ctl_look(struct sim_dev *sim)
{
	struct sim_ctl_snapshot now;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	now.state = sim_ctl_state(sim);
	now.counter = io_recovery_left(sim->recovery);
	now.outstanding = sim->outstanding;
	now.slots = sim->nr_slots;
	now.stats = sim->stats;
	spin_unlock_irqrestore(&sim->lock, flags);
	return now;
}

/* The control node */

enum sim_ctl_kind {
	SIM_CTL_COUNT,
	SIM_CTL_MS,
	SIM_CTL_NUMBER,
	SIM_CTL_SEED,
};

static const struct sim_range sim_ctl_limits[] = {
	[SIM_CTL_COUNT] = { 1, SIM_HW_MAX_FAULTS },
	[SIM_CTL_MS] = { 0, SIM_HW_MAX_MS },
	[SIM_CTL_NUMBER] = { 1, U32_MAX },
	[SIM_CTL_SEED] = { 0, U32_MAX },
};

#define SIM_CTL_MAX_ARGS 2

/**
 * struct sim_ctl_command - a command
 * @name: first word of the line
 * @min_args: how many numbers must follow
 * @max_args: how many numbers may follow
 * @kind: what the first number is; the second is a count
 * @run: carries the command out; the numbers are in range
 * @what: which fault or time @run sets
 * @run_line: instead of @run, if other words than numbers follow
 */
struct sim_ctl_command {
	const char *name;
	unsigned int min_args;
	unsigned int max_args;
	enum sim_ctl_kind kind;
	int (*run)(struct sim_hw *hw, unsigned int what,
		   const unsigned int *args, unsigned int nr_args);
	unsigned int what;
	int (*run_line)(struct sim_hw *hw, char *line);
};

static int sim_ctl_fault(struct sim_hw *hw, unsigned int what,
			 const unsigned int *args, unsigned int nr_args)
{
	sim_hw_inject(hw, what, nr_args ? args[0] : 1);
	return 0;
}

static int sim_ctl_late(struct sim_hw *hw, unsigned int what,
			const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_ms(hw, SIM_HW_LATE_AFTER, args[0]);
	sim_hw_inject(hw, SIM_HW_LATE, nr_args > 1 ? args[1] : 1);
	return 0;
}

static int sim_ctl_ms(struct sim_hw *hw, unsigned int what,
		      const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_ms(hw, what, args[0]);
	return 0;
}

static int sim_ctl_seed(struct sim_hw *hw, unsigned int what,
			const unsigned int *args, unsigned int nr_args)
{
	sim_hw_seed(hw, args[0]);
	return 0;
}

static int sim_ctl_drop(struct sim_hw *hw, unsigned int what,
			const unsigned int *args, unsigned int nr_args)
{
	return sim_hw_drop_rule(hw, args[0]);
}

static int sim_ctl_dead(struct sim_hw *hw, unsigned int what,
			const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_dead(hw, true);
	return 0;
}

static int sim_ctl_gone(struct sim_hw *hw, unsigned int what,
			const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_gone(hw, true);
	return 0;
}

static int sim_ctl_revive(struct sim_hw *hw, unsigned int what,
			  const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_dead(hw, false);
	sim_hw_set_gone(hw, false);
	return 0;
}

static int sim_ctl_clear(struct sim_hw *hw, unsigned int what,
			 const unsigned int *args, unsigned int nr_args)
{
	sim_hw_clear(hw);
	return 0;
}

/* latency MS, or latency MS-MS */
static int sim_ctl_latency(struct sim_hw *hw, char *line)
{
	char *word = sim_rules_word(&line);
	struct sim_range ms;
	int err;

	if (!word)
		return -EINVAL;
	err = sim_rules_range(word, &sim_ctl_limits[SIM_CTL_MS], &ms);
	if (err)
		return err;
	if (sim_rules_word(&line))
		return -EINVAL;
	sim_hw_set_range(hw, SIM_HW_LATENCY, ms.low, ms.high);
	return 0;
}

/* rule FAULT [ARG] [OPTION]... */
static int sim_ctl_rule(struct sim_hw *hw, char *line)
{
	struct sim_hw_state state;
	struct sim_rule rule;
	int err;

	sim_hw_get_state(hw, &state);
	err = sim_rules_parse(&rule, line, state.slots);
	return err ? err : sim_hw_add_rule(hw, &rule);
}

static const struct sim_ctl_command sim_ctl_commands[] = {
	{ "hang", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_HANG },
	{ "late", 1, 2, SIM_CTL_MS, sim_ctl_late },
	{ "error", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_ERROR },
	{ "reset-hang", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_RESET_HANG },
	{ "spurious", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_SPURIOUS },
	{ "lost", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_LOST },
	{ "duplicate", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_DUPLICATE },
	{ "reset-lost", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_RESET_LOST },
	{ "storm", 1, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_STORM },
	{ "corrupt", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_CORRUPT },
	{ "short", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_SHORT },
	{ "abort-hang", 0, 1, SIM_CTL_COUNT, sim_ctl_fault, SIM_HW_ABORT_HANG },
	{ "rule", 1, .run_line = sim_ctl_rule },
	{ "latency", 1, .run_line = sim_ctl_latency },
	{ "reset-latency", 1, 1, SIM_CTL_MS, sim_ctl_ms, SIM_HW_RESET_LATENCY },
	{ "seed", 1, 1, SIM_CTL_SEED, sim_ctl_seed },
	{ "drop", 1, 1, SIM_CTL_NUMBER, sim_ctl_drop },
	{ "dead", 0, 0, SIM_CTL_COUNT, sim_ctl_dead },
	{ "gone", 0, 0, SIM_CTL_COUNT, sim_ctl_gone },
	{ "revive", 0, 0, SIM_CTL_COUNT, sim_ctl_revive },
	{ "clear", 0, 0, SIM_CTL_COUNT, sim_ctl_clear },
};

/* Carry out a command that numbers follow. */
static int sim_ctl_run(struct sim_hw *hw, const struct sim_ctl_command *command,
		       char *line)
{
	const struct sim_range *limits = &sim_ctl_limits[command->kind];
	unsigned int args[SIM_CTL_MAX_ARGS], nr_args = 0;
	char *word;
	int err;

	while ((word = sim_rules_word(&line))) {
		if (nr_args == command->max_args)
			return -EINVAL;
		err = sim_rules_number(word, limits, &args[nr_args]);
		if (err)
			return err;
		nr_args++;
		limits = &sim_ctl_limits[SIM_CTL_COUNT];
	}
	if (nr_args < command->min_args)
		return -EINVAL;
	return command->run(hw, command->what, args, nr_args);
}

/* Carry out one line; cuts it into words. An empty line does nothing. */
static int sim_ctl_line(struct sim_hw *hw, char *line)
{
	const struct sim_ctl_command *command = sim_ctl_commands;
	char *word = sim_rules_word(&line);

	if (!word)
		return 0;
	while (strcmp(word, command->name)) {
		if (++command == sim_ctl_commands + ARRAY_SIZE(sim_ctl_commands))
			return -EINVAL;
	}
	return command->run_line ? command->run_line(hw, line) :
				   sim_ctl_run(hw, command, line);
}

/* Carry out the first line of a user's buffer; return its length with the newline. */
static ssize_t sim_ctl_write_line(struct sim_dev *sim, const char __user *buf,
				  size_t count)
{
	char line[SIM_CTL_MAX_LINE + 2];	/* newline or one too many; NUL */
	size_t len = min(count, sizeof(line) - 1);
	char *newline;
	int err;

	if (copy_from_user(line, buf, len))
		return READ_ONCE(sim->gone) ? -ENODEV : -EFAULT;
	line[len] = '\0';
	newline = memchr(line, '\n', len);
	if (newline) {
		*newline = '\0';
		len = newline - line;
	}
	/*
	 * "revive" works after unbinding, on a node that is still open: else a
	 * device that was unbound while gone could never be bound again.
	 */
	if (READ_ONCE(sim->gone) && strcmp(line, "revive"))
		return -ENODEV;
	if (len > SIM_CTL_MAX_LINE)
		return -EMSGSIZE;
	if (strlen(line) < len)		/* a NUL byte */
		return -EINVAL;
	err = sim_ctl_line(sim->hw, line);
	return err ? err : (ssize_t)len + !!newline;
}

static ssize_t sim_ctl_write(struct file *filp, const char __user *buf,
			     size_t count, loff_t *pos)
{
	struct sim_dev *sim = ((struct seq_file *)filp->private_data)->private;
	size_t done = 0;
	ssize_t ret = 0;

	while (done < count) {
		ret = sim_ctl_write_line(sim, buf + done, count - done);
		if (ret < 0)
			break;
		done += ret;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return done ? done : ret;
}

/* Show the end of a range, if it is not the beginning too. */
static void sim_ctl_show_end(struct seq_file *seq, unsigned int low,
			     unsigned int high)
{
	if (high != low)
		seq_printf(seq, "-%u", high);
}

/* Show a fault that came later than scripts that read this node: only if pending. */
static void sim_ctl_show_pending(struct seq_file *seq,
				 const struct sim_hw_state *hw,
				 const char *name, enum sim_hw_fault fault)
{
	if (hw->pending[fault])
		seq_printf(seq, "pending_%s: %u\n", name, hw->pending[fault]);
}

/* Show a rule, as the line that makes it. */
static void sim_ctl_show_rule(struct seq_file *seq, const struct sim_rule *rule)
{
	seq_printf(seq, "rule %u: %s", rule->number, sim_rules_name(rule->fault));
	if (sim_rules_takes_arg(rule->fault))
		seq_printf(seq, " %u", rule->arg);
	if (rule->after)
		seq_printf(seq, " after %u", rule->after);
	if (rule->every > 1)
		seq_printf(seq, " every %u", rule->every);
	if (rule->times)
		seq_printf(seq, " times %u", rule->times);
	if (rule->chance.low < rule->chance.high)
		seq_printf(seq, " chance %u/%u", rule->chance.low, rule->chance.high);
	if (rule->size.low) {
		seq_printf(seq, " size %u", rule->size.low);
		sim_ctl_show_end(seq, rule->size.low, rule->size.high);
	}
	if (rule->slot.low == rule->slot.high)
		seq_printf(seq, " slot %u", rule->slot.low);
	seq_printf(seq, " struck %llu\n", rule->struck);
}

static void sim_ctl_show_rules(struct seq_file *seq, const struct sim_rules *rules)
{
	unsigned int i;

	if (rules->seed != SIM_RULES_SEED)
		seq_printf(seq, "seed: %u\n", rules->seed);
	for (i = 0; i < rules->nr; i++)
		sim_ctl_show_rule(seq, &rules->rule[i]);
}

static int sim_ctl_show(struct seq_file *seq, void *unused)
{
	struct sim_dev *sim = seq->private;
	struct sim_ctl_snapshot now;
	struct sim_rules *rules;
	struct sim_hw_state hw;

	if (READ_ONCE(sim->gone))
		return -ENODEV;
	rules = kmalloc(sizeof(*rules), GFP_KERNEL);
	if (!rules)
		return -ENOMEM;
	now = sim_ctl_look(sim);
	sim_hw_get_state(sim->hw, &hw);
	sim_hw_get_rules(sim->hw, rules);

	seq_printf(seq, "state: %s\n", now.state);
	seq_printf(seq, "counter: %d\n", now.counter);
	seq_printf(seq, "outstanding: %u\n", now.outstanding);
	seq_printf(seq, "dead: %d\n", hw.dead);
	seq_printf(seq, "gone: %d\n", hw.gone);
	seq_printf(seq, "latency_ms: %u", hw.ms[SIM_HW_LATENCY]);
	sim_ctl_show_end(seq, hw.ms[SIM_HW_LATENCY], hw.ms[SIM_HW_MAX_LATENCY]);
	seq_putc(seq, '\n');
	seq_printf(seq, "reset_latency_ms: %u\n", hw.ms[SIM_HW_RESET_LATENCY]);
	seq_printf(seq, "late_ms: %u\n", hw.ms[SIM_HW_LATE_AFTER]);
	seq_printf(seq, "pending_hang: %u\n", hw.pending[SIM_HW_HANG]);
	seq_printf(seq, "pending_late: %u\n", hw.pending[SIM_HW_LATE]);
	seq_printf(seq, "pending_error: %u\n", hw.pending[SIM_HW_ERROR]);
	seq_printf(seq, "pending_reset_hang: %u\n",
		   hw.pending[SIM_HW_RESET_HANG]);
	seq_printf(seq, "pending_spurious: %u\n", hw.pending[SIM_HW_SPURIOUS]);
	seq_printf(seq, "pending_lost: %u\n", hw.pending[SIM_HW_LOST]);
	seq_printf(seq, "pending_duplicate: %u\n",
		   hw.pending[SIM_HW_DUPLICATE]);
	seq_printf(seq, "pending_reset_lost: %u\n",
		   hw.pending[SIM_HW_RESET_LOST]);
	seq_printf(seq, "pending_storm: %u\n", hw.pending[SIM_HW_STORM]);
	sim_ctl_show_pending(seq, &hw, "corrupt", SIM_HW_CORRUPT);
	sim_ctl_show_pending(seq, &hw, "short", SIM_HW_SHORT);
	sim_ctl_show_pending(seq, &hw, "abort_hang", SIM_HW_ABORT_HANG);
	seq_printf(seq, "submitted: %llu\n", now.stats.submitted);
	seq_printf(seq, "completed: %llu\n", now.stats.completed);
	seq_printf(seq, "failed: %llu\n", now.stats.failed);
	seq_printf(seq, "cancelled: %llu\n", now.stats.cancelled);
	seq_printf(seq, "timeouts: %llu\n", now.stats.timeouts);
	seq_printf(seq, "resets: %llu\n", now.stats.resets);
	seq_printf(seq, "reset_failures: %llu\n", now.stats.reset_failures);
	seq_printf(seq, "retries: %llu\n", now.stats.retries);
	seq_printf(seq, "late: %llu\n", now.stats.late);
	seq_printf(seq, "spurious: %llu\n", now.stats.spurious);
	seq_printf(seq, "missed: %llu\n", now.stats.missed);
	seq_printf(seq, "aborts: %llu\n", now.stats.aborts);
	seq_printf(seq, "innocent: %llu\n", now.stats.innocent);
	sim_ctl_show_rules(seq, rules);
	kfree(rules);
	return 0;
}

static __poll_t sim_ctl_poll(struct file *filp, poll_table *wait)
{
	struct sim_dev *sim = ((struct seq_file *)filp->private_data)->private;

	poll_wait(filp, &sim->room, wait);
	if (READ_ONCE(sim->gone))
		return EPOLLERR | EPOLLHUP;
	return EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;
}

static int sim_ctl_open(struct inode *inode, struct file *filp)
{
	struct sim_dev *sim = container_of(inode->i_cdev, struct sim_dev,
					   ctl_node.cdev);

	if (READ_ONCE(sim->gone))
		return -ENODEV;
	return single_open(filp, sim_ctl_show, sim);
}

const struct file_operations sim_ctl_fops = {
	.owner = THIS_MODULE,
	.open = sim_ctl_open,
	.release = single_release,
	.read = seq_read,
	.write = sim_ctl_write,
	.llseek = seq_lseek,
	.poll = sim_ctl_poll,
};

/* sysfs, on the platform device */

/* A setting, whose range is that of the module parameter of the same name. */
#define SIM_CTL_ATTR_RW(name, field)					\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct sim_dev *sim = dev_get_drvdata(dev);			\
									\
	return sysfs_emit(buf, "%u\n", READ_ONCE(sim->field));		\
}									\
static ssize_t name##_store(struct device *dev,				\
			    struct device_attribute *attr,		\
			    const char *buf, size_t count)		\
{									\
	struct sim_dev *sim = dev_get_drvdata(dev);			\
	unsigned long flags;						\
	unsigned int value;						\
	int err = sim_dev_parse_param(buf, &sim_dev_defaults.name, &value); \
									\
	if (err)							\
		return err;						\
	spin_lock_irqsave(&sim->lock, flags);				\
	WRITE_ONCE(sim->field, value);	/* show takes no lock */	\
	sim_dev_set_limits(sim);					\
	spin_unlock_irqrestore(&sim->lock, flags);			\
	return count;							\
}									\
static DEVICE_ATTR_RW(name)

SIM_CTL_ATTR_RW(timeout, limits.op);
SIM_CTL_ATTR_RW(abort_timeout, limits.abort);
SIM_CTL_ATTR_RW(reset_timeout, limits.reset);
SIM_CTL_ATTR_RW(max_retries, max_retries);

#define SIM_CTL_ATTR_RO(name, format, value)				\
static ssize_t name##_show(struct device *dev,				\
			   struct device_attribute *attr, char *buf)	\
{									\
	struct sim_ctl_snapshot now = sim_ctl_look(dev_get_drvdata(dev)); \
									\
	return sysfs_emit(buf, format "\n", now.value);			\
}									\
static DEVICE_ATTR_RO(name)

SIM_CTL_ATTR_RO(state, "%s", state);
SIM_CTL_ATTR_RO(counter, "%d", counter);
SIM_CTL_ATTR_RO(submitted, "%llu", stats.submitted);
SIM_CTL_ATTR_RO(completed, "%llu", stats.completed);
SIM_CTL_ATTR_RO(failed, "%llu", stats.failed);
SIM_CTL_ATTR_RO(cancelled, "%llu", stats.cancelled);
SIM_CTL_ATTR_RO(timeouts, "%llu", stats.timeouts);
SIM_CTL_ATTR_RO(resets, "%llu", stats.resets);
SIM_CTL_ATTR_RO(reset_failures, "%llu", stats.reset_failures);
SIM_CTL_ATTR_RO(retries, "%llu", stats.retries);
SIM_CTL_ATTR_RO(late, "%llu", stats.late);
SIM_CTL_ATTR_RO(spurious, "%llu", stats.spurious);
SIM_CTL_ATTR_RO(missed, "%llu", stats.missed);
SIM_CTL_ATTR_RO(aborts, "%llu", stats.aborts);
SIM_CTL_ATTR_RO(innocent, "%llu", stats.innocent);
SIM_CTL_ATTR_RO(slots, "%u", slots);

static struct attribute *sim_ctl_attrs[] = {
	&dev_attr_timeout.attr,
	&dev_attr_abort_timeout.attr,
	&dev_attr_reset_timeout.attr,
	&dev_attr_max_retries.attr,
	&dev_attr_state.attr,
	&dev_attr_counter.attr,
	&dev_attr_submitted.attr,
	&dev_attr_completed.attr,
	&dev_attr_failed.attr,
	&dev_attr_cancelled.attr,
	&dev_attr_timeouts.attr,
	&dev_attr_resets.attr,
	&dev_attr_reset_failures.attr,
	&dev_attr_retries.attr,
	&dev_attr_late.attr,
	&dev_attr_spurious.attr,
	&dev_attr_missed.attr,
	&dev_attr_aborts.attr,
	&dev_attr_innocent.attr,
	&dev_attr_slots.attr,
	NULL
};

static const struct attribute_group sim_ctl_group = {
	.attrs = sim_ctl_attrs,
};

const struct attribute_group *sim_ctl_groups[] = {
	&sim_ctl_group,
	NULL
};
