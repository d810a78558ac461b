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
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include "sim_dev.h"

#define SIM_CTL_MAX_LINE	64	/* bytes */

static const char *sim_ctl_state(const struct sim_dev *sim)
{
	if (io_timeout_resetting(&sim->slot.timeout))
		return "resetting";
	return sim->slot.request ? "busy" : "idle";
}

/**
 * struct sim_ctl_snapshot - what a reader sees, copied in one hold of the lock
 * @state: "idle", "busy" or "resetting"
 * @timeout: the slot's time-out
 * @outstanding: number of requests
 * @stats: counters
 */
struct sim_ctl_snapshot {
	const char *state;
	struct io_timeout timeout;
	unsigned int outstanding;
	struct sim_dev_stats stats;
};

static struct sim_ctl_snapshot sim_ctl_look(struct sim_dev *sim)
{
	struct sim_ctl_snapshot now;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	now.state = sim_ctl_state(sim);
	now.timeout = sim->slot.timeout;
	now.outstanding = sim->outstanding;
	now.stats = sim->stats;
	spin_unlock_irqrestore(&sim->lock, flags);
	return now;
}

/* The control node */

/**
 * struct sim_ctl_command - a command
 * @name: first word of the line
 * @min_args: how many numbers must follow
 * @max_args: how many numbers may follow
 * @run: carries the command out; the numbers are in range
 * @what: which fault or time @run sets
 */
struct sim_ctl_command {
	const char *name;
	unsigned int min_args;
	unsigned int max_args;
	void (*run)(struct sim_hw *hw, const struct sim_ctl_command *command,
		    const unsigned int *args, unsigned int nr_args);
	unsigned int what;
};

static void sim_ctl_fault(struct sim_hw *hw,
			  const struct sim_ctl_command *command,
			  const unsigned int *args, unsigned int nr_args)
{
	sim_hw_inject(hw, command->what, nr_args ? args[0] : 1);
}

static void sim_ctl_late(struct sim_hw *hw,
			 const struct sim_ctl_command *command,
			 const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_ms(hw, SIM_HW_LATE_AFTER, args[0]);
	sim_hw_inject(hw, SIM_HW_LATE, nr_args > 1 ? args[1] : 1);
}

static void sim_ctl_ms(struct sim_hw *hw, const struct sim_ctl_command *command,
		       const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_ms(hw, command->what, args[0]);
}

static void sim_ctl_dead(struct sim_hw *hw,
			 const struct sim_ctl_command *command,
			 const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_dead(hw, true);
}

static void sim_ctl_gone(struct sim_hw *hw,
			 const struct sim_ctl_command *command,
			 const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_gone(hw, true);
}

static void sim_ctl_revive(struct sim_hw *hw,
			   const struct sim_ctl_command *command,
			   const unsigned int *args, unsigned int nr_args)
{
	sim_hw_set_dead(hw, false);
	sim_hw_set_gone(hw, false);
}

static void sim_ctl_clear(struct sim_hw *hw,
			  const struct sim_ctl_command *command,
			  const unsigned int *args, unsigned int nr_args)
{
	sim_hw_clear(hw);
}

#define SIM_CTL_MAX_ARGS 2

static const struct sim_ctl_command sim_ctl_commands[] = {
	{ "hang", 0, 1, sim_ctl_fault, SIM_HW_HANG },
	{ "late", 1, 2, sim_ctl_late },
	{ "error", 0, 1, sim_ctl_fault, SIM_HW_ERROR },
	{ "reset-hang", 0, 1, sim_ctl_fault, SIM_HW_RESET_HANG },
	{ "spurious", 0, 1, sim_ctl_fault, SIM_HW_SPURIOUS },
	{ "lost", 0, 1, sim_ctl_fault, SIM_HW_LOST },
	{ "duplicate", 0, 1, sim_ctl_fault, SIM_HW_DUPLICATE },
	{ "reset-lost", 0, 1, sim_ctl_fault, SIM_HW_RESET_LOST },
	{ "storm", 1, 1, sim_ctl_fault, SIM_HW_STORM },
	{ "latency", 1, 1, sim_ctl_ms, SIM_HW_LATENCY },
	{ "reset-latency", 1, 1, sim_ctl_ms, SIM_HW_RESET_LATENCY },
	{ "dead", 0, 0, sim_ctl_dead },
	{ "gone", 0, 0, sim_ctl_gone },
	{ "revive", 0, 0, sim_ctl_revive },
	{ "clear", 0, 0, sim_ctl_clear },
};

/* Is argument number @i of the command a time, rather than a count? */
static bool sim_ctl_is_ms(const struct sim_ctl_command *command, unsigned int i)
{
	return i == 0 && command->run != sim_ctl_fault;
}

static int sim_ctl_number(const char *word, bool is_ms, unsigned int *number)
{
	long long value;
	int err = kstrtoll(word, 10, &value);

	if (err)
		return err;
	if (is_ms ? value < 0 || value > SIM_HW_MAX_MS :
		    value < 1 || value > SIM_HW_MAX_FAULTS)
		return -ERANGE;
	*number = value;
	return 0;
}

/* What separates words. Not isspace(), which also accepts blanks beyond ASCII. */
#define SIM_CTL_BLANKS " \t\r\v\f"

/* Cut the next word off the line; NULL at its end. */
static char *sim_ctl_word(char **line)
{
	char *word;

	*line += strspn(*line, SIM_CTL_BLANKS);
	word = strsep(line, SIM_CTL_BLANKS);
	if (!*line)
		*line = word + strlen(word);
	return *word ? word : NULL;
}

/* Carry out one line; cuts it into words. An empty line does nothing. */
static int sim_ctl_line(struct sim_hw *hw, char *line)
{
	const struct sim_ctl_command *command = sim_ctl_commands;
	unsigned int args[SIM_CTL_MAX_ARGS], nr_args = 0;
	char *word = sim_ctl_word(&line);
	int err;

	if (!word)
		return 0;
	while (strcmp(word, command->name)) {
		if (++command == sim_ctl_commands + ARRAY_SIZE(sim_ctl_commands))
			return -EINVAL;
	}
	while ((word = sim_ctl_word(&line))) {
		if (nr_args == command->max_args)
			return -EINVAL;
		err = sim_ctl_number(word, sim_ctl_is_ms(command, nr_args),
				     &args[nr_args]);
		if (err)
			return err;
		nr_args++;
	}
	if (nr_args < command->min_args)
		return -EINVAL;
	command->run(hw, command, args, nr_args);
	return 0;
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

static int sim_ctl_show(struct seq_file *seq, void *unused)
{
	struct sim_dev *sim = seq->private;
	struct sim_ctl_snapshot now;
	struct sim_hw_state hw;

	if (READ_ONCE(sim->gone))
		return -ENODEV;
	now = sim_ctl_look(sim);
	sim_hw_get_state(sim->hw, &hw);

	seq_printf(seq, "state: %s\n", now.state);
	seq_printf(seq, "counter: %d\n", now.timeout.counter);
	seq_printf(seq, "outstanding: %u\n", now.outstanding);
	seq_printf(seq, "dead: %d\n", hw.dead);
	seq_printf(seq, "gone: %d\n", hw.gone);
	seq_printf(seq, "latency_ms: %u\n", hw.ms[SIM_HW_LATENCY]);
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

/* Parse a number that is in a module parameter's range. */
static int sim_ctl_parse(const char *buf, const struct sim_dev_param *range,
			 unsigned int *value)
{
	int err = kstrtouint(buf, 10, value);

	if (err)
		return err;
	return *value < range->min || *value > range->max ? -ERANGE : 0;
}

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
	int err = sim_ctl_parse(buf, &sim_param_##name, &value);	\
									\
	if (err)							\
		return err;						\
	spin_lock_irqsave(&sim->lock, flags);				\
	WRITE_ONCE(sim->field, value);	/* show takes no lock */	\
	spin_unlock_irqrestore(&sim->lock, flags);			\
	return count;							\
}									\
static DEVICE_ATTR_RW(name)

SIM_CTL_ATTR_RW(timeout, slot.timeout.limit);
SIM_CTL_ATTR_RW(reset_timeout, slot.timeout.reset_limit);
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
SIM_CTL_ATTR_RO(counter, "%d", timeout.counter);
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

static struct attribute *sim_ctl_attrs[] = {
	&dev_attr_timeout.attr,
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
	NULL
};

static const struct attribute_group sim_ctl_group = {
	.attrs = sim_ctl_attrs,
};

const struct attribute_group *sim_ctl_groups[] = {
	&sim_ctl_group,
	NULL
};
