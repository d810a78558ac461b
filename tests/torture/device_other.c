// SPDX-License-Identifier: GPL-2.0-only
/* The roles that submit no requests; each function is an episode. */
#include "device.h"

#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

/*
 * Held while faults must show their effect, and while the junk writer writes at random,
 * which may inject any fault and clears them all.
 */
pthread_mutex_t faults_lock = PTHREAD_MUTEX_INITIALIZER;

void do_poll(void)
{
	int fd = open_dev(below(4) == 0, O_RDONLY);
	unsigned int n = 1 + below(8);
	short events;

	if (fd < 0)
		return;
	while (n--) {
		/* For room, or only for POLLERR and POLLHUP at unbinding. */
		events = wait_for(fd, plan->unbound && !below(8) ? 0 : POLLOUT, -1);
		progress();
		if (events & POLLERR) {
			char byte;

			if (read(fd, &byte, 1) != -1 || errno != ENODEV)
				die("device %u is unbound, but read() did not fail with ENODEV: %m",
				    dev);
			count(HANGUPS);
			break;
		}
		doze(30000);
	}
	close(fd);
}

void do_signal(void)
{
	unsigned int i, nr = atomic_load(&shared->nr_workers);

	for (i = 0; i < nr; i++) {
		struct worker *worker = &shared->workers[i];

		if (worker->device != dev || !worker->signals || worker->ended || below(6))
			continue;
		/* Not pthread_kill(): the thread may have ended meanwhile. */
		syscall(SYS_tgkill, worker->pid, worker->tid, SIGUSR1);
		count(SIGNALS);
	}
	progress();
	doze(below(4) ? 10000 : 50000);
}

static void be_silent(bool gone)
{
	inject(gone ? "gone" : "dead");
	doze(below(2) ? 500000 : 3000000);
	inject("revive");
}

/* Lose, double or add interrupts. A storm takes a CPU from everything else, so it is short. */
static void stray(void)
{
	switch (below(4)) {
	case 0:
		inject("lost %u", 1 + below(3 * slots));
		break;
	case 1:
		inject("hang\nreset-lost\n");
		break;
	case 2:
		inject("duplicate %u", 1 + below(20));
		break;
	case 3:
		inject("storm %u", 1 + below(500));
		break;
	}
}

/*
 * Faults, and the statistic that they increase in the end. An abort that hangs leads to
 * a reset; without aborts the fault stays pending. With several slots a lost interrupt
 * is missed if nothing else is under way, so all of a while are lost.
 */
static const struct {
	const char *faults;
	size_t statistic;
} effects[] = {
#define EFFECT(faults, name) { faults, offsetof(struct snapshot, name) }
	EFFECT("lost 100", missed),
	EFFECT("hang\nabort-hang\nreset-lost", missed),
	EFFECT("hang\nabort-hang\nreset-hang", reset_failures),
	EFFECT("hang", retries),
	EFFECT("hang 3", failed),	/* ETIMEDOUT */
	EFFECT("late 3500", late),
	EFFECT("spurious 5", spurious),
	EFFECT("storm 100", spurious),
	EFFECT("dead", resets),
	EFFECT("gone", reset_failures),
	EFFECT("hang", aborts),
	EFFECT("latency 200\nhang\nabort-hang", innocent),
};

/* Can the device show it? Some effects need slots, or aborts. */
static bool can_show(unsigned int effect)
{
	size_t statistic = effects[effect].statistic;

	if (statistic == offsetof(struct snapshot, aborts))
		return slots > 1 && !plan->only_resets;
	return slots > 1 || statistic != offsetof(struct snapshot, innocent);
}

static bool look_at(unsigned int effect, unsigned long *value)
{
	struct snapshot s;

	if (!look(&s))
		return false;
	*value = *(unsigned long *)((char *)&s + effects[effect].statistic);
	return true;
}

/*
 * Inject faults until they have had their effect, while no other fault is pending. The handler
 * of any other interrupt would find the cause of a lost one, which would then not be missed.
 * Gives up if too many requests end otherwise, or none is submitted.
 */
static void show_effect(unsigned int effect)
{
	unsigned long before, value;
	unsigned int n;

	pthread_mutex_lock(&faults_lock);
	inject("clear\nrevive\nlatency 1\nreset-latency 1\n");
	if (look_at(effect, &before)) {
		for (n = 0; n < 40 && !atomic_load(&shared->stop); n++) {
			inject("%s", effects[effect].faults);
			usleep(500000);
			if (!look_at(effect, &value) || value != before)
				break;
		}
	}
	inject("clear\nrevive\n");
	pthread_mutex_unlock(&faults_lock);
}

/* Every fourth time: one effect after the other. The devices begin with different ones. */
static bool show_next(void)
{
	static unsigned int turn;	/* static: only one thread injects */
	unsigned int effect = (2 * dev + turn / 4) % ARRAY_SIZE(effects);

	if (turn++ % 4 || !can_show(effect))
		return false;
	show_effect(effect);
	return true;
}

void do_inject(void)
{
	if (show_next())
		return;
	switch (below(22)) {
	case 0:
		if (below(2))	/* ETIMEDOUT at the first time-out */
			set_attr(dev, "max_retries", 0);
		inject("hang %u", 1 + below(5 * slots));
		break;
	case 1:	/* comes in time, during the reset, or during the retry */
		inject("late %u %u", below(2) ? 1500 + below(2000) : below(1500), 1 + below(3));
		break;
	case 2:
	case 3:
		inject("error %u", 1 + below(5));
		break;
	case 4:
		inject("hang\nreset-hang\n");
		break;
	case 5:
	case 6:
		inject("spurious %u", 1 + below(50));
		break;
	case 7:
	case 8:
		if (below(2))
			inject("latency %u", below(2) ? 0 : below(6));
		else
			inject("latency %u-%u", below(3), 3 + below(20));
		break;
	case 9:
		inject("reset-latency %u", below(8) ? below(20) : 500 + below(1000));
		break;
	case 10:
		be_silent(below(2));
		break;
	case 12 ... 14:
		stray();
		break;
	case 15 ... 18:
		add_any_rule();
		break;
	case 19 ... 20:
		drop_any_rule();
		break;
	case 21:
		inject("hang %u\nabort-hang %u", 1 + below(slots), 1 + below(slots));
		break;
	case 11:
		inject("clear\nrevive\nlatency 1\nreset-latency 1\n");
		break;
	}
	doze(below(4) ? 400000 : 4000000);
}

/* Lines that are refused, with the errno. Good ones in the same write are taken. */
static const struct {
	const char *text;
	size_t len;
	int err;
} junk[] = {
#define JUNK_LINE(text, err) { text, sizeof(text) - 1, err }
	JUNK_LINE("hung", EINVAL),
	JUNK_LINE("hang x", EINVAL),
	JUNK_LINE("hang 1 1", EINVAL),
	JUNK_LINE("hang 0", ERANGE),
	JUNK_LINE("hang -1", ERANGE),
	JUNK_LINE("hang 1000001", ERANGE),
	JUNK_LINE("hang 99999999999999999999", ERANGE),
	JUNK_LINE("late", EINVAL),
	JUNK_LINE("late 600001", ERANGE),
	JUNK_LINE("late 5 0", ERANGE),
	JUNK_LINE("latency", EINVAL),
	JUNK_LINE("latency -1", ERANGE),
	JUNK_LINE("reset-latency 1 2", EINVAL),
	JUNK_LINE("dead 1", EINVAL),
	JUNK_LINE("gone 1", EINVAL),
	JUNK_LINE("lost 0", ERANGE),
	JUNK_LINE("duplicate x", EINVAL),
	JUNK_LINE("reset-lost 1 1", EINVAL),
	JUNK_LINE("storm", EINVAL),
	JUNK_LINE("storm 1000001", ERANGE),
	JUNK_LINE("latency 5-4", ERANGE),
	JUNK_LINE("abort-hang 0", ERANGE),
	JUNK_LINE("rule", EINVAL),
	JUNK_LINE("rule hang slot 256", ERANGE),
	JUNK_LINE("rule hang every 2 every 2", EINVAL),
	JUNK_LINE("rule reset-hang size 5", EINVAL),
	JUNK_LINE("rule corrupt chance 2/1", ERANGE),
	JUNK_LINE("drop 4294967295", ENOENT),
	JUNK_LINE("clear\0", EINVAL),
	JUNK_LINE("\xff\xfe%s%n", EINVAL),
#define BLANKS "                                                                "
	JUNK_LINE("spurious" BLANKS BLANKS "1", EMSGSIZE),
};

/* Write a line that is refused, maybe behind one that is not; false if the device is unbound. */
static bool write_refused(int fd)
{
	static const char * const good[] = { "", "\n", "duplicate\n", "  \t\n", "latency 1\n" };
	const char *first = good[below(ARRAY_SIZE(good))];
	unsigned int i = below(ARRAY_SIZE(junk));
	size_t before = strlen(first), len = before + junk[i].len;
	char text[256];
	ssize_t ret;

	memcpy(text, first, before);
	memcpy(text + before, junk[i].text, junk[i].len);
	if (below(2))
		text[len++] = '\n';
	ret = write(fd, text, len);
	if (ret < 0 && errno == ENODEV && plan->unbound)
		return false;
	if (before ? ret != before : ret != -1 || errno != junk[i].err)
		die("device %u: junk line %u after %zu good bytes: write() returned %zd, %m",
		    dev, i, before, ret);
	return true;
}

/* Write words and bytes at random, and undo what they did; false if the device is unbound. */
static bool write_random(int fd)
{
	static const char * const words[] = {
		"hang", "late", "error", "reset-hang", "spurious", "latency", "clear", "revive",
		"dead", "gone", "lost", "duplicate", "reset-lost", "abort-hang",
		"rule", "rule hang", "every", "times", "chance", "1/9", "slot", "drop", "seed",
		"0", "1", "-1", "600000", "1000000", "x", " ", "\n", "\n", "\t", "\0",
	};
	char text[512];
	unsigned int n;
	size_t len = 0;
	ssize_t ret;

	for (n = below(24); n; n--) {
		if (below(8))
			len += sprintf(text + len, "%s%s", words[below(ARRAY_SIZE(words))],
				       below(4) ? " " : "");
		else
			text[len++] = below(256);
	}
	ret = write(fd, text, len);
	if (ret < 0 && errno == ENODEV && plan->unbound)
		return false;
	if (ret > (ssize_t)len ||
	    (ret < 0 && errno != EINVAL && errno != ERANGE && errno != EMSGSIZE &&
	     errno != ENOENT))
		die("device %u: junk: write() returned %zd, %m", dev, ret);
	doze(100000);
	inject("clear\nrevive\nlatency 1\nreset-latency 1\n");
	return true;
}

/* Write junk to the control node, and read from some position. */
void do_junk(void)
{
	int fd = open_dev(true, O_RDWR);
	char text[256];
	bool at_random, written;

	if (fd < 0)
		return;
	at_random = !below(16) && !pthread_mutex_trylock(&faults_lock);
	written = at_random ? write_random(fd) : write_refused(fd);
	if (at_random)
		pthread_mutex_unlock(&faults_lock);
	if (written) {
		if (lseek(fd, below(100), SEEK_SET) >= 0 &&
		    read(fd, text, 1 + below(sizeof(text))) < 0 &&
		    (errno != ENODEV || !plan->unbound))
			die("device %u: read of the control node: %m", dev);
		count(JUNK);
		progress();
	}
	close(fd);
	doze(60000);
}

void do_watch(void)
{
	static struct snapshot before;	/* static: only one thread watches */
	struct snapshot s;

	if (look(&s)) {
		if (!plan->unbound &&
		    (s.submitted < before.submitted || s.completed < before.completed ||
		     s.failed < before.failed || s.cancelled < before.cancelled))
			die("device %u: a statistic decreased", dev);
		before = s;
	}
	progress();
	doze(20000);
}

void do_sysfs(void)
{
	const char *name = attr_names[below(NR_ATTRS)];
	unsigned int setting = below(NR_SETTINGS);
	int fd = open_attr(dev, name, O_RDONLY), err, wanted = 0;
	char text[64];

	if (fd >= 0) {
		if (read(fd, text, sizeof(text)) > 0)
			count(SYSFS_READS);
		else if (!plan->unbound || errno != ENODEV)
			die("device %u: reading %s: %m", dev, name);
		close(fd);
	} else if (!plan->unbound) {
		die("device %u: opening %s: %m", dev, name);
	}

	if (below(4)) {
		err = set_attr(dev, attr_names[setting], setting == 2 ? below(3) : 1 + !below(4));
	} else {
		err = set_attr(dev, attr_names[setting], 3601);
		wanted = ERANGE;
	}
	if (err != wanted && (!plan->unbound || (err != ENOENT && err != ENODEV && err != EACCES)))
		die("device %u: setting %s: %s", dev, attr_names[setting], strerror(err));
	if (err == wanted)
		count(SYSFS_SETS);
	if (slots > 1 && !plan->only_resets)	/* may have failed, as above */
		set_attr(dev, "abort_timeout", below(4) ? 1 + below(2) : 0);
	progress();
	doze(60000);
}

static int set_bound(bool bound)
{
	int err = bind_device(dev, bound);

	progress();
	return err;
}

/*
 * Unbind and bind the device. If it was gone meanwhile, by the injector or, every other
 * time, by this thread, it cannot be bound before "revive" is written to a file opened earlier.
 */
void do_unbind(void)
{
	static unsigned int turn;	/* static: only one thread unbinds */
	int fd = open_dev(true, O_WRONLY), err;

	if (fd < 0)
		die("device %u is bound, but has no control node", dev);
	if (turn++ % 2 == 0 && write(fd, "gone", 4) != 4)
		die("device %u: gone: %m", dev);
	err = set_bound(false);
	if (err)
		die("device %u: unbind: %s", dev, strerror(err));
	if (write(fd, "clear", 5) != -1 || errno != ENODEV)
		die("device %u is unbound, but its control node did not fail with ENODEV: %m", dev);
	doze(below(4) ? 20000 : 500000);
	err = set_bound(true);
	if (err == ENODEV) {
		count(GONE_UNBOUND);
		if (write(fd, "revive", 6) != 6)
			die("device %u: revive: %m", dev);
		err = set_bound(true);
	}
	if (err)
		die("device %u: bind: %s", dev, strerror(err));
	close(fd);
	count(UNBINDS);
	doze(below(4) ? 3000000 : 20000);
}

/* Open nodes while the device is unbound. */
void do_open(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int fd = open_dev(below(2), modes[below(ARRAY_SIZE(modes))]);

	if (fd >= 0)
		close(fd);
	progress();
	doze(30000);
}
