// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices - several processes make, use and remove 256 devices by configfs
 *
 * First each process makes its share, so that all exist at once, and each is used.
 * Then each process removes and makes devices in random order. Meanwhile others open,
 * read, write and inject faults at random nodes of all processes. In the end each
 * process removes what is left. These others also share one directory, whose device
 * they make and remove.
 */
#include "ktap.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define DIR		"/sys/kernel/config/sim_dev/"
#define MAKERS		8
#define USERS		4
#define DEVICES		256
#define SHARE		(DEVICES / MAKERS)
#define NUMBERS		1024
#define ROUNDS		400	/* of each maker, */
#define SECONDS		200	/* but for no longer than this */
#define COMMON		"common"	/* the directory that all users share */

/**
 * struct shared - what the processes share
 * @owner: by number: the process that has a device of this number, from 1; else 0
 * @arrived: makers that have made all of their devices
 * @go: makers may begin to remove devices
 * @done: users must end
 * @used: round trips that users did
 * @vanished: nodes that were removed under a user
 * @opened: nodes that a user opened
 * @changed: settings that were refused, because the device was live
 * @kept: directories that were not removed, because the device was live
 * @made: devices that went live
 * @removed: devices that were removed
 * @faulted: faults that were injected
 * @toggled: how often the common device was told to go live
 */
struct shared {
	int owner[NUMBERS];
	int arrived;
	int go;
	int done;
	long used, vanished, opened, changed, kept, made, removed, faulted, toggled;
};

static struct shared *shared;
static int me;		/* this process, from 1 */
static uint64_t seed;

#define COUNT(what)	__atomic_add_fetch(&shared->what, 1, __ATOMIC_SEQ_CST)
#define LOOK(what)	__atomic_load_n(&shared->what, __ATOMIC_SEQ_CST)

/**
 * struct mine - a device of a maker
 * @name: of its directory
 * @number: its number; -1 if it has no directory
 * @timeout: its setting
 * @latency: its setting
 */
struct mine {
	char name[32];
	int number;
	unsigned int timeout;
	unsigned int latency;
};

static int set(const struct mine *mine, const char *name, unsigned int value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), DIR "%s/%s", mine->name, name);
	snprintf(text, sizeof(text), "%u", value);
	return put(path, text);
}

static void must(int err, const struct mine *mine, const char *what)
{
	if (err)
		die("process %d: %s: %s: %s", me, mine->name, what, strerror(err));
}

/* Write a request and read it back: 0 or an errno. */
static int round_trip(int number, const char *text)
{
	int fd = open_node(number, false, O_RDWR), err = 0, len = strlen(text);
	char back[64];
	ssize_t ret;

	if (fd < 0)
		return errno;
	ret = write(fd, text, len);
	if (ret == len)
		ret = read(fd, back, sizeof(back));
	if (ret < 0)
		err = errno;
	else if (ret != len || memcmp(back, text, len))
		err = EBADMSG;
	close(fd);
	return err;
}

/* Make a directory; its number must be of no other process. */
static void make_directory(struct mine *mine)
{
	char path[128], text[32];
	int owner;

	snprintf(path, sizeof(path), DIR "%s", mine->name);
	must(mkdir(path, 0755) ? errno : 0, mine, "mkdir");
	snprintf(path, sizeof(path), DIR "%s/dev_name", mine->name);
	if (get(path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "sim_dev%d", &mine->number) != 1 ||
	    mine->number < 1 || mine->number >= NUMBERS)
		die("%s: bad dev_name '%s'", mine->name, text);
	owner = __atomic_exchange_n(&shared->owner[mine->number], me, __ATOMIC_SEQ_CST);
	if (owner)
		die("processes %d and %d both have number %d", owner, me, mine->number);
}

/* The running device has the settings of this directory, not those of another. */
static void check_settings(const struct mine *mine)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), ATTR_PATH, mine->number, "timeout");
	if (get(path, text, sizeof(text)) <= 0 || atoi(text) != (int)mine->timeout)
		die("%s: timeout is %s, not %u", mine->name, text, mine->timeout);
	if (ctl_value(mine->number, "latency_ms") != mine->latency)
		die("%s: latency_ms is not %u", mine->name, mine->latency);
}

static void make(struct mine *mine)
{
	make_directory(mine);
	mine->timeout = 1 + rng_below(&seed, 3);
	mine->latency = rng_below(&seed, 4);
	must(set(mine, "timeout", mine->timeout), mine, "timeout");
	must(set(mine, "latency_ms", mine->latency), mine, "latency_ms");
	must(set(mine, "slots", 1 + rng_below(&seed, 8)), mine, "slots");
	must(set(mine, "live", 1), mine, "live");
	COUNT(made);
	check_settings(mine);
}

static void remove_it(struct mine *mine)
{
	char path[128];

	snprintf(path, sizeof(path), DIR "%s", mine->name);
	must(set(mine, "live", 0), mine, "live");
	__atomic_store_n(&shared->owner[mine->number], 0, __ATOMIC_SEQ_CST);
	must(rmdir(path) ? errno : 0, mine, "rmdir");
	mine->number = -1;
	COUNT(removed);
}

/* What a live device must refuse. */
static void try_to_break(struct mine *mine)
{
	char path[128];

	if (set(mine, "timeout", 5) != EBUSY)
		die("%s: timeout of a live device was not refused", mine->name);
	COUNT(changed);
	snprintf(path, sizeof(path), DIR "%s", mine->name);
	if (!rmdir(path) || errno != EBUSY)
		die("%s: rmdir of a live device was not refused", mine->name);
	COUNT(kept);
}

/* Users inject faults, but none that makes a request fail: this may take seconds. */
static void use_mine(const struct mine *mine)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %d", mine->name, mine->number);
	must(round_trip(mine->number, text), mine, "write and read");
}

static int maker(void)
{
	static struct mine mine[SHARE];
	struct mine *any;
	unsigned int i;
	double began;

	for (i = 0; i < SHARE; i++) {
		snprintf(mine[i].name, sizeof(mine[i].name), "process%d-%u", me, i);
		make(&mine[i]);
	}
	COUNT(arrived);
	while (!LOOK(go))
		usleep(1000);
	began = now();
	for (i = 0; i < ROUNDS && now() - began < SECONDS; i++) {
		any = &mine[rng_below(&seed, SHARE)];
		if (any->number < 0)
			make(any);
		switch (rng_below(&seed, 4)) {
		case 0:
			try_to_break(any);
			break;
		case 1:
			use_mine(any);
			break;
		default:
			remove_it(any);
		}
	}
	for (i = 0; i < SHARE; i++)
		if (mine[i].number >= 0)
			remove_it(&mine[i]);
	return 0;
}

/* Errors of a device that goes away during the call, or is not there. */
static bool is_absent(int err)
{
	return err == ENOENT || err == ENODEV || err == ENXIO;
}

static void use_any(int number)
{
	static const char * const faults[] = {
		"lost\n", "spurious 3\n", "duplicate\n", "late 5\n", "rule lost every 3 times 2\n",
		"clear\n",
	};
	const char *fault = faults[rng_below(&seed, ARRAY_SIZE(faults))];
	int fd = open_node(number, rng_below(&seed, 2), O_RDWR), err;
	char text[MAX_CTL];

	if (fd < 0) {
		if (!is_absent(errno))
			die("cannot open a node of %d: %m", number);
		return;
	}
	COUNT(opened);
	usleep(rng_below(&seed, 3000));
	if (read(fd, text, sizeof(text)) < 0)
		COUNT(vanished);
	close(fd);
	err = ctl_command(number, "%s", fault);
	if (err && !is_absent(err))
		die("fault %s: %s", fault, strerror(err));
	if (!err && strncmp(fault, "clear", 5))
		COUNT(faulted);
	err = round_trip(number, "a user's request");
	if (!err)
		COUNT(used);
	else if (!is_absent(err))
		die("round trip of %d: %s", number, strerror(err));
	else
		COUNT(vanished);
}

/* All users make and remove one and the same device, and change its settings. */
static void toggle(const struct mine *common)
{
	int err;

	switch (rng_below(&seed, 3)) {
	case 0:
		err = set(common, "queue_depth", 1 + rng_below(&seed, 100));
		if (err && err != EBUSY)
			die("queue_depth of the common device: %s", strerror(err));
		break;
	case 1:
		must(set(common, "live", 1), common, "live");
		COUNT(toggled);
		break;
	default:
		must(set(common, "live", 0), common, "live");
	}
}

static int user(void)
{
	static const struct mine common = { .name = COMMON };

	while (!LOOK(done)) {
		use_any(1 + rng_below(&seed, DEVICES + 8));
		toggle(&common);
	}
	return 0;
}

static pid_t start(int number, int (*process)(void))
{
	pid_t child = fork();

	if (child)
		return child;
	me = number;
	seed = number;
	exit(process());
}

static bool reap(const pid_t *children, int nr)
{
	bool ok = true;
	int status, i;

	for (i = 0; i < nr; i++) {
		if (waitpid(children[i], &status, 0) != children[i])
			ok = false;	/* ended too early, see main() */
		else
			ok &= WIFEXITED(status) && !WEXITSTATUS(status);
	}
	return ok;
}

/* Do all devices exist at once, and does each work? */
static int count_working(void)
{
	int number, working = 0;

	for (number = 1; number <= DEVICES; number++)
		working += !round_trip(number, "all at once");
	return working;
}

int main(void)
{
	pid_t makers[MAKERS], users[USERS];
	static struct mine common = { .name = COMMON };
	int i, working;
	bool made, used;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_set_plan(9);
	shared = shared_alloc(sizeof(*shared));
	for (i = 0; i < MAKERS; i++)
		makers[i] = start(i + 1, maker);
	while (LOOK(arrived) < MAKERS && waitpid(-1, NULL, WNOHANG) == 0)
		usleep(10000);
	working = count_working();
	check(working == DEVICES, "256 devices made by 8 processes exist at once and work (%d)",
	      working);
	make_directory(&common);
	for (i = 0; i < USERS; i++)
		users[i] = start(MAKERS + i + 1, user);
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	made = reap(makers, MAKERS);
	__atomic_store_n(&shared->done, 1, __ATOMIC_SEQ_CST);
	used = reap(users, USERS);
	remove_it(&common);
	check(made, "each process could make, set, use and remove its devices");
	check(used, "other processes met no error but that of a device that is gone");
	check(shared->made > DEVICES && shared->made == shared->removed - 1,
	      "devices were made and removed (%ld, %ld)", shared->made, shared->removed);
	check(shared->toggled, "several processes made and removed the same device (%ld)",
	      shared->toggled);
	check(shared->changed && shared->kept, "live devices refused a setting and rmdir (%ld, %ld)",
	      shared->changed, shared->kept);
	check(shared->opened && shared->used, "nodes were used meanwhile (%ld opened, %ld round trips)",
	      shared->opened, shared->used);
	check(shared->vanished, "devices went away while their nodes were open (%ld)",
	      shared->vanished);
	check(shared->faulted, "faults were injected meanwhile (%ld)", shared->faulted);
	ksft_finished();
}
