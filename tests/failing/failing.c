// SPDX-License-Identifier: GPL-2.0-only
/*
 * failing - have each allocation of each operation on the modules fail in turn
 *
 * The kernel's fail-nth makes the N-th allocation of this task fail. Each operation
 * is done with N = 1, 2, 3 ... until it has no N-th allocation. In a first series only
 * the N-th allocation fails. In a second series all from the N-th on fail, because the
 * kernel may try a failed allocation in another way, and because cleaning up must not
 * need memory. An attempt that fails
 * must leave all that user space can see of the modules as it was, and the next
 * attempt must succeed.
 */
#include "ktap.h"

#include <dirent.h>
#include <poll.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "aio.h"

#define DEVICES		2

enum mode { ONCE, FROM_THEN_ON };

/**
 * struct op - an operation
 * @name: for the report
 * @run: does it; returns 0 or an errno
 * @prepare: called before each attempt, may be NULL
 * @undo: called after each attempt that succeeded, may be NULL
 * @also: errnos that it may return besides ENOMEM
 * @sure: it never fails, since it can do without memory
 * @irqs: makes or frees interrupts, see irqs_need_memory()
 * @path: file that it is about
 * @parameters: of the module to load
 * @devices: that the module makes
 * @flags: for opening @path
 * @len: bytes to write
 */
struct op {
	const char *name;
	int (*run)(const struct op *op);
	void (*prepare)(const struct op *op);
	void (*undo)(const struct op *op);
	int also[2];
	bool sure;
	bool irqs;
	const char *path;
	const char *parameters;
	unsigned int devices;
	int flags;
	size_t len;
};

static const char *wanted = "";	/* part of the names of the operations to do */
static unsigned long all_failed, all_errors;
static int nth_fd, stay_fd;	/* /proc/thread-self/fail-nth, make-it-fail */
static int kmsg_in, kmsg_out;	/* /dev/kmsg, to read and to write */
static unsigned int made;	/* devices, by the last load; the log says so if not all */
static int held = -1;		/* the file that an operation has open */
static int pipe_fds[2];		/* what it splices from */
static aio_context_t aio;	/* 0 if the kernel has none */
static char pattern[4096], buffer[sizeof(pattern) + 1];

/* Fault injection. Nothing in here may allocate. */

static void put_number(int fd, unsigned int number)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", number);

	if (pwrite(fd, text, len, 0) != len)
		die("cannot set up fault injection: %m");
}

static void arm(unsigned int nth, enum mode mode)
{
	put_number(nth_fd, nth);
	if (mode == FROM_THEN_ON)
		put_number(stay_fd, 1);
}

/* Was there an N-th allocation? */
static bool disarm(void)
{
	char text[12] = "";

	put_number(stay_fd, 0);
	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		die("cannot read fail-nth: %m");
	put_number(nth_fd, 0);
	return atoi(text) == 0;
}

/* Read the next line of the kernel log, but not what programs wrote there. */
static const char *log_line(void)
{
	static char record[4096];
	char *text = NULL;

	while (!text) {
		ssize_t len = read(kmsg_in, record, sizeof(record) - 1);

		if (len <= 0)
			break;
		record[len] = '\0';
		if (atoi(record) >> 3 == 0)
			text = strchr(record, ';');
	}
	if (!text && errno != EAGAIN)
		die("cannot read the kernel log: %m");
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text ? text + 1 : NULL;
}

/*
 * Copy the kernel log to the console, as errors, since it shows only these now. All
 * but the "Call Trace:" of a failed vmalloc(): the test fails if the guest's log has
 * such a line, and this one is not a bug.
 */
static void forward_log(void)
{
	bool dumping = false;
	unsigned int some;
	const char *line;

	while ((line = log_line())) {
		if (sscanf(line, "sim_dev: error %*d, made %u devices", &some) == 1)
			made = some;
		if (strstr(line, "vmalloc error: size"))
			dumping = true;
		if (dumping && !strncmp(line, "Call Trace:", 11))
			dumping = false;
		else
			dprintf(kmsg_out, "<3>%s\n", line);
	}
}

/* At exit: the console shows everything again. */
static void restore_console(void)
{
	forward_log();
	klogctl(8, NULL, 8);
}

/* All that user space can see of the modules */

struct view {
	size_t len;
	char text[16384];
};

static __attribute__((format(printf, 2, 3)))
void view_add(struct view *view, const char *format, ...)
{
	size_t room = sizeof(view->text) - view->len;
	va_list args;

	va_start(args, format);
	view->len += vsnprintf(view->text + view->len, room, format, args);
	va_end(args);
	if (view->len >= sizeof(view->text))
		die("struct view is too small");
}

/* The names in a folder that begin with some text, sorted. */
static void view_add_names(struct view *view, const char *path, const char *begin)
{
	struct dirent **entries;
	int i, n = scandir(path, &entries, NULL, alphasort);

	for (i = 0; i < n; i++) {
		if (!strncmp(entries[i]->d_name, begin, strlen(begin)))
			view_add(view, "%s/%s\n", path, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void view_add_modules(struct view *view)
{
	char line[256], name[64], users[128], state[32];
	FILE *file = fopen("/proc/modules", "r");
	int refs;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %*s %d %127s %31s", name, &refs, users, state) == 4)
			view_add(view, "module %s: %d references, %s %s\n", name, refs, users,
				 state);
	fclose(file);
}

/* Numbers and names of ours in /proc/interrupts or /proc/devices. */
static void view_add_numbers(struct view *view, const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "sim_dev"))
			view_add(view, "%s: %d %s", path, atoi(line), strstr(line, "sim_dev"));
	fclose(file);
}

/*
 * A device's control node and an attribute. Of the numbers of submitted and completed
 * requests only the difference, which an operation must not change.
 */
static void view_add_device(struct view *view, unsigned int device)
{
	char text[MAX_CTL], path[128], *line;
	long long outstanding = 0;

	snprintf(path, sizeof(path), "/dev/sim_dev%u_ctl", device);
	if (get(path, text, sizeof(text)) <= 0) {
		if (errno == ENOENT)
			return;
		die("cannot read the control node: %m");
	}
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strncmp(line, "submitted: ", 11))
			outstanding += atoll(line + 11);
		else if (!strncmp(line, "completed: ", 11))
			outstanding -= atoll(line + 11);
		else
			view_add(view, "device %u: %s\n", device, line);
	}
	view_add(view, "device %u: submitted - completed: %lld\n", device, outstanding);

	snprintf(path, sizeof(path), ATTR_PATH, device, "timeout");
	get(path, text, sizeof(text));
	view_add(view, "device %u: timeout: %s", device, text);
}

static void look(struct view *view)
{
	char path[128];
	unsigned int i;

	view->len = 0;
	view_add(view, "\n");
	view_add_modules(view);
	view_add_numbers(view, "/proc/interrupts");
	view_add_numbers(view, "/proc/devices");
	view_add_names(view, "/dev", "sim_dev");
	view_add_names(view, "/sys/kernel/irq", "");
	view_add_names(view, "/sys/class", "sim_dev");
	view_add_names(view, "/sys/class/sim_dev", "sim_dev");
	view_add_names(view, "/sys/dev/char", "");
	view_add_names(view, "/sys/module", "iotimer");
	view_add_names(view, "/sys/module", "sim_dev");
	view_add_names(view, "/sys/bus/platform/devices", "sim_dev");
	view_add_names(view, "/sys/bus/platform/drivers", "sim_dev");
	view_add_names(view, "/dev", "mirror");
	view_add_names(view, "/sys/bus/platform/devices", "mirror");
	view_add_names(view, "/sys/bus/platform/drivers", "mirror");
	view_add_names(view, DRIVER, "");
	view_add_names(view, "/sys/kernel/config/sim_dev", "");
	for (i = 0; i < DEVICES + 1; i++) {	/* configfs makes one more */
		snprintf(path, sizeof(path), ATTR_PATH, i, "");
		view_add_names(view, path, "");
		view_add_device(view, i);
	}
}

/* Print the first line in which two views differ. */
static void print_difference(const char *was, const char *is)
{
	while (*was && *was == *is)
		was++, is++;
	while (was[-1] != '\n')
		was--, is--;
	note("was: %.*s", (int)strcspn(was, "\n"), was);
	note("is:  %.*s", (int)strcspn(is, "\n"), is);
}

static bool unchanged(const struct view *was)
{
	static struct view is;

	look(&is);
	if (!strcmp(was->text, is.text))
		return true;
	print_difference(was->text, is.text);
	return false;
}

/* Operations */

/* Open a node, write a request, read it back, close; 0 or an errno. */
static int round_trip(const char *path)
{
	int fd = open(path, O_RDWR), err = 0;
	ssize_t len;

	if (fd < 0)
		return errno;
	len = write(fd, pattern, sizeof(pattern));
	if (len == sizeof(pattern))
		len = read(fd, buffer, sizeof(buffer));
	if (len < 0)
		err = errno;
	else if (len != sizeof(pattern) || memcmp(buffer, pattern, len))
		err = EBADMSG;
	close(fd);
	return err;
}

static bool is_bound(unsigned int device)
{
	char path[128];

	snprintf(path, sizeof(path), ATTR_PATH, device, "driver");
	return !access(path, F_OK);
}

/* Check that the device works; if it is not bound, bind it first. */
static void check_device(unsigned int device)
{
	char name[32];
	int err;

	if (!is_bound(device)) {
		err = bind_device(device, true);
		if (err)
			die("device %u cannot be bound: %s", device, strerror(err));
	}
	snprintf(name, sizeof(name), "/dev/sim_dev%u", device);
	err = round_trip(name);
	if (err)
		die("%s does not work: %s", name, strerror(err));
}

static int load(const struct op *op)
{
	int fd = open(op->path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	made = op->devices;
	if (syscall(SYS_finit_module, fd, op->parameters, 0))
		err = errno;
	close(fd);
	return err;
}

static void unload(const char *name)
{
	if (syscall(SYS_delete_module, name, O_NONBLOCK))
		die("cannot unload %s: %m", name);
}

static int do_unload_sim_dev(const struct op *op)
{
	return syscall(SYS_delete_module, "sim_dev", O_NONBLOCK) ? errno : 0;
}

static void unload_iotimer(const struct op *op)
{
	unload("iotimer");
}

static void unload_sim_dev(const struct op *op)
{
	unsigned int i;

	forward_log();
	for (i = 0; i < made; i++)
		check_device(i);
	unload("sim_dev");
}

static const struct op load_iotimer = {
	.name = "load iotimer", .run = load, .undo = unload_iotimer, .path = "/root/iotimer.ko",
	.parameters = "",
};

/*
 * EINVAL too: platform_device_add() ignores that it had no memory for the device's
 * name, and device_add() refuses a device without one.
 */
#define LOAD(name_, parameters_, devices_) {				\
	.name = "load sim_dev" name_, .run = load, .undo = unload_sim_dev,	\
	.path = "/root/sim_dev.ko", .parameters = parameters_, .devices = devices_, \
	.also = { EINVAL }, .irqs = true }

static const struct op load_sim_dev = LOAD("", "devices=2", DEVICES);
static const struct op load_4_slots = LOAD(", 4 slots", "slots=4 abort_timeout=1", 1);
static const struct op load_256_slots = LOAD(", 256 slots", "slots=256 abort_timeout=1", 1);

static void load_again(const struct op *op)
{
	int err = load(&load_sim_dev);

	if (err)
		die("cannot load sim_dev: %s", strerror(err));
}

static const struct op unload_op = {
	.name = "unload sim_dev", .run = do_unload_sim_dev, .undo = load_again, .sure = true,
	.irqs = true,
};

static int write_path(const struct op *op)
{
	return put(op->path, "sim_dev.0");
}

static void unbind(const struct op *op)
{
	int err;

	check_device(0);
	err = bind_device(0, false);
	if (err)
		die("cannot unbind: %s", strerror(err));
}

static void bind_again(const struct op *op)
{
	check_device(0);
}

static const struct op bind_op = {
	.name = "bind", .run = write_path, .undo = unbind, .path = DRIVER "bind",
};

static const struct op bind_256_slots = {
	.name = "bind, 256 slots", .run = write_path, .undo = unbind, .path = DRIVER "bind",
};

static const struct op unbind_op = {
	.name = "unbind", .run = write_path, .undo = bind_again, .path = DRIVER "unbind",
};

static int run_open(const struct op *op)
{
	held = open(op->path, op->flags);
	return held < 0 ? errno : 0;
}

static void undo_open(const struct op *op)
{
	close(held);
}

static void open_first(const struct op *op)
{
	int err = run_open(op);

	if (err)
		die("%s: cannot open %s: %s", op->name, op->path, strerror(err));
}

static int run_write(const struct op *op)
{
	ssize_t len = write(held, pattern, op->len);

	return len < 0 ? errno : len == (ssize_t)op->len ? 0 : EBADMSG;
}

/* Wait for the request, and if the file can be read, for its data. */
static void undo_write(const struct op *op)
{
	struct pollfd ready = { .fd = held, .events = POLLIN };

	if (op->flags & O_RDWR) {
		if (poll(&ready, 1, 10000) != 1 ||
		    read(held, buffer, sizeof(buffer)) != (ssize_t)op->len ||
		    memcmp(buffer, pattern, op->len))
			die("%s: the data did not come back", op->name);
	}
	while (ctl_value(0, "outstanding"))
		usleep(1000);
	close(held);
}

static void prepare_splice(const struct op *op)
{
	open_first(op);
	if (pipe2(pipe_fds, O_CLOEXEC) || write(pipe_fds[1], pattern, op->len) != (ssize_t)op->len)
		die("%s: pipe: %m", op->name);
}

static int run_splice(const struct op *op)
{
	ssize_t len = splice(pipe_fds[0], NULL, held, NULL, op->len, 0);

	return len < 0 ? errno : len == (ssize_t)op->len ? 0 : EBADMSG;
}

static void undo_splice(const struct op *op)
{
	undo_write(op);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Submit an asynchronous request, and wait for its event. */
static int run_async(const struct op *op)
{
	int err = aio_submit(aio, held, IOCB_CMD_PWRITE, pattern, op->len, 0);
	struct io_event event;

	if (err)
		return err;
	if (aio_wait(aio, 1, 1, &event, NULL) != 1)
		die("%s: io_getevents: %m", op->name);
	return event.res < 0 ? -event.res : event.res == (long)op->len ? 0 : EBADMSG;
}

static int run_round_trip(const struct op *op)
{
	return round_trip(op->path);
}

static int run_get(const struct op *op)
{
	return get(op->path, buffer, sizeof(buffer)) > 0 ? 0 : errno;
}

static int run_get_attrs(const struct op *op)
{
	char path[128];
	unsigned int i;

	for (i = 0; i < NR_ATTRS; i++) {
		snprintf(path, sizeof(path), ATTR_PATH, 0, attr_names[i]);
		if (get(path, buffer, sizeof(buffer)) <= 0)
			return errno;
	}
	return 0;
}

static int run_set_attr(const struct op *op)
{
	return set_attr(0, "timeout", 7);
}

static void undo_set_attr(const struct op *op)
{
	if (set_attr(0, "timeout", 3))
		die("cannot set timeout back: %m");
}

static int run_ctl(const struct op *op)
{
	return ctl_command(0, "hang 5\nlate 100 3\nlatency 50\nlost 6\nduplicate 7\nreset-lost 8\ngone\n");
}

static int run_rules(const struct op *op)
{
	return ctl_command(0, "seed 7\nrule late 9 after 1 every 2 times 3 chance 4/5 size 6-7 slot 0\nrule abort-hang\ndrop 2\nlatency 1-9\n");
}

static void undo_ctl(const struct op *op)
{
	if (ctl_command(0, "clear\nseed 1\nlate 0\nclear\nlatency 5\nrevive\n"))
		die("cannot clear the faults");
}

#define OPEN(node, name_, flags_) {					\
	.name = "open " #node ", " name_, .run = run_open, .undo = undo_open,	\
	.path = node, .flags = flags_ }
#define WRITE(name_, flags_, len_) {					\
	.name = "write, " name_, .prepare = open_first, .run = run_write,	\
	.undo = undo_write, .path = data, .flags = flags_, .len = len_ }
/* io_submit() says EAGAIN for lack of memory. */
#define ASYNC(name_, flags_, len_) {					\
	.name = "write, " name_, .prepare = open_first, .run = run_async,	\
	.undo = undo_write, .also = { EAGAIN }, .path = data, .flags = flags_, .len = len_ }
#define data "/dev/sim_dev0"
#define control "/dev/sim_dev0_ctl"

static const struct op bound_ops[] = {
	OPEN(data, "to read", O_RDONLY),
	OPEN(data, "to write", O_WRONLY),
	OPEN(data, "both", O_RDWR),
	OPEN(data, "both, non-blocking", O_RDWR | O_NONBLOCK),
	OPEN(control, "to read", O_RDONLY),
	OPEN(control, "to write", O_WRONLY),
	OPEN(control, "both", O_RDWR),
	WRITE("1 byte", O_WRONLY, 1),
	WRITE("4096 bytes", O_WRONLY, 4096),
	WRITE("results kept", O_RDWR, 4096),
	WRITE("non-blocking", O_WRONLY | O_NONBLOCK, 9),
	WRITE("non-blocking, results kept", O_RDWR | O_NONBLOCK, 4096),
	{ .name = "splice", .prepare = prepare_splice, .run = run_splice, .undo = undo_splice,
	  .path = data, .flags = O_RDWR, .len = 4096 },
	ASYNC("asynchronous", O_WRONLY, 4096),
	ASYNC("asynchronous, results kept", O_RDWR, 4096),
	{ .name = "open, write, read, close", .run = run_round_trip, .path = data },
	{ .name = "control commands", .run = run_ctl, .undo = undo_ctl },
	{ .name = "control commands, rules", .run = run_rules, .undo = undo_ctl },
	{ .name = "read control", .run = run_get, .path = control },
	{ .name = "read all attributes", .run = run_get_attrs },
	{ .name = "write an attribute", .run = run_set_attr, .undo = undo_set_attr },
};

/* The layered driver, examples/mirror */

/* First use it: then its legs are attached, and no probe is cancelled, which would be counted. */
static void unload_mirror(const struct op *op)
{
	int err = round_trip("/dev/mirror");

	if (err)
		die("the mirror does not work: %s", strerror(err));
	unload("mirror");
}

/*
 * EINVAL as with sim_dev. ENODEV is what platform_create_bundle() returns if the probe
 * fails, for whatever reason.
 */
static const struct op load_mirror = {
	.name = "load the mirror", .run = load, .undo = unload_mirror, .path = "/root/mirror.ko",
	.parameters = "legs=0,1", .devices = DEVICES, .also = { EINVAL, ENODEV },
};

static const struct op use_mirror = {
	.name = "mirror: open, write, read, close", .run = run_round_trip, .path = "/dev/mirror",
};

/* Devices by configfs */

#define CONFIG		"/sys/kernel/config/sim_dev"
#define CONFIG_DIR	CONFIG "/device"
/* A name that does not fit into a struct config_item. */
#define CONFIG_LONG	CONFIG "/a device with a long name"

static int run_mkdir(const struct op *op)
{
	return mkdir(op->path, 0755) ? errno : 0;
}

static void undo_mkdir(const struct op *op)
{
	if (rmdir(op->path))
		die("cannot remove %s: %m", op->path);
}

static void must(int err, const char *what)
{
	if (err)
		die("%s: %s", what, strerror(err));
}

static int run_live(const struct op *op)
{
	return put(CONFIG_DIR "/live", op->flags ? "1" : "0");
}

/* The directory's device has the number that follows those of the module parameter. */
static void check_live(void)
{
	if (!is_bound(DEVICES))
		die("a device is live, but has no driver");
	check_device(DEVICES);
}

static void undo_live(const struct op *op)
{
	check_live();
	must(put(CONFIG_DIR "/live", "0"), "take the device down");
}

static void prepare_remove(const struct op *op)
{
	must(put(CONFIG_DIR "/live", "1"), "make the device");
	check_live();
}

static const struct op config_ops[] = {
	{ .name = "configfs, make a directory", .run = run_mkdir, .undo = undo_mkdir,
	  .path = CONFIG_DIR },
	{ .name = "configfs, make a directory with a long name", .run = run_mkdir,
	  .undo = undo_mkdir, .path = CONFIG_LONG },
};

/* EINVAL: see LOAD(). */
static const struct op live_ops[] = {
	{ .name = "configfs, go live", .run = run_live, .undo = undo_live, .also = { EINVAL },
	  .irqs = true, .flags = true },
	{ .name = "configfs, remove", .run = run_live, .prepare = prepare_remove,
	  .irqs = true },
};

static const struct op live_256_slots = {
	.name = "configfs, go live, 256 slots", .run = run_live, .undo = undo_live,
	.also = { EINVAL }, .irqs = true, .flags = true,
};

static void unload_configfs(const struct op *op)
{
	unload("sim_dev_configfs");
}

/* Attempts */

/* Count of an operation's attempts */
struct tally {
	unsigned int failures;	/* attempts with a failing allocation */
	unsigned int errors;	/* the part of these that returned an errno */
};

static struct view before;	/* what could be seen before the operation */

/*
 * Try the operation with its N-th allocation failing. Returns NULL, or what is wrong;
 * *again is set to whether there was an N-th allocation.
 */
static const char *attempt(const struct op *op, enum mode mode, unsigned int nth,
			   struct tally *tally, bool *again)
{
	int err;

	arm(nth, mode);
	err = op->run(op);
	*again = disarm();
	forward_log();
	tally->failures += *again;
	if (!err)
		return NULL;
	tally->errors++;
	if (!*again)
		return "it failed, but no allocation did";
	if (op->sure || (err != ENOMEM && err != op->also[0] && err != op->also[1]))
		return strerror(err);
	if (!unchanged(&before))
		return "it left something behind";
	if (op->run(op))
		return "the next attempt failed";
	return NULL;
}

/* Prepare the operation, try it, undo it. */
static const char *attempt_and_undo(const struct op *op, enum mode mode, unsigned int nth,
				    struct tally *tally, bool *again)
{
	static struct view clean;
	const char *wrong;

	if (nth == 1)
		look(&clean);
	if (op->prepare)
		op->prepare(op);
	if (nth == 1)
		look(&before);
	wrong = attempt(op, mode, nth, tally, again);
	if (wrong)
		return wrong;
	if (op->undo)
		op->undo(op);
	return unchanged(&clean) ? NULL : "it left something behind after it was undone";
}

/* Try until there is no further allocation. */
static bool sweep_mode(const struct op *op, enum mode mode, struct tally *tally)
{
	const char *wrong = NULL;
	unsigned int nth = 0;
	bool again = true;

	while (!wrong && again) {
		wrong = attempt_and_undo(op, mode, ++nth, tally, &again);
		if (nth % 100 == 0)
			note("%s: allocation %u", op->name, nth);
	}
	if (!wrong && !tally->failures)
		wrong = "it has no allocation";
	if (!wrong && !tally->errors && !op->sure)
		wrong = "it never failed";
	if (wrong)
		note("%s, allocation %u%s failing: %s", op->name, nth,
		     mode == FROM_THEN_ON ? " and all later ones" : "", wrong);
	all_failed += tally->failures;
	all_errors += tally->errors;
	return !wrong;
}

/*
 * Since 6.5 the kernel keeps interrupts in a maple tree, and does not check whether it
 * had the memory to insert one (__irq_alloc_descs() succeeds, but there is no
 * interrupt) or to remove one (irq_free_descs() leaves a freed one in the tree). Two
 * allocations in a row must fail for either, and then the kernel crashes.
 */
static bool irqs_need_memory(void)
{
	struct utsname kernel;
	int major = 0, minor = 0;

	uname(&kernel);
	if (sscanf(kernel.release, "%d.%d", &major, &minor) != 2)
		die("what kernel is %s?", kernel.release);
	return major > 6 || (major == 6 && minor >= 5);
}

static void sweep(const struct op *op)
{
	struct tally once = {}, from_then_on = {};
	bool ok;

	if (!strstr(op->name, wanted))
		return;
	if (op->run == run_async && !aio) {
		ksft_test_result_skip("%s: the kernel has no asynchronous I/O\n", op->name);
		return;
	}
	ok = sweep_mode(op, ONCE, &once);
	if (op->irqs && irqs_need_memory())
		note("%s: one allocation at a time, or the kernel would crash", op->name);
	else
		ok = ok && sweep_mode(op, FROM_THEN_ON, &from_then_on);
	check(ok, "%s", op->name);
	note("%-34s failed: %4u (%u errors), from then on: %4u (%u)", op->name, once.failures,
	     once.errors, from_then_on.failures, from_then_on.errors);
}

static const struct op load_configfs = {
	.name = "load sim_dev_configfs", .run = load, .undo = unload_configfs,
	.path = "/root/sim_dev_configfs.ko", .parameters = "",
};

/* Operations on devices that are made by configfs, with sim_dev loaded. */
static void sweep_configfs(void)
{
	unsigned int i;

	if (access(load_configfs.path, F_OK)) {
		ksft_test_result_skip("configfs: the kernel has none\n");
		return;
	}
	sweep(&load_configfs);
	must(load(&load_configfs), "load sim_dev_configfs");
	for (i = 0; i < ARRAY_SIZE(config_ops); i++)
		sweep(&config_ops[i]);
	must(run_mkdir(&config_ops[0]), "make a directory");
	for (i = 0; i < ARRAY_SIZE(live_ops); i++)
		sweep(&live_ops[i]);
	must(put(CONFIG_DIR "/slots", "256"), "set 256 slots");
	sweep(&live_256_slots);
	undo_mkdir(&config_ops[0]);
	unload("sim_dev_configfs");
}

int main(int argc, char **argv)
{
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		wanted = argv[1];
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = 'a' + i % 26;
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	stay_fd = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	kmsg_in = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	kmsg_out = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (nth_fd < 0 || stay_fd < 0 || kmsg_in < 0 || kmsg_out < 0)
		die("the kernel lacks CONFIG_FAULT_INJECTION: %m");
	aio = aio_open(8);
	lseek(kmsg_in, 0, SEEK_END);
	mlockall(MCL_CURRENT | MCL_FUTURE);	/* a page fault would allocate */
	klogctl(8, NULL, 4);			/* the console shows errors only */
	atexit(restore_console);

	sweep(&load_iotimer);
	must(load(&load_iotimer), "load iotimer");
	sweep(&load_sim_dev);
	sweep(&load_4_slots);
	sweep(&load_256_slots);
	must(load(&load_256_slots), "load sim_dev, 256 slots");
	must(bind_device(0, false), "unbind");
	sweep(&bind_256_slots);
	unload("sim_dev");
	must(load(&load_sim_dev), "load sim_dev");
	for (i = 0; i < ARRAY_SIZE(bound_ops); i++)
		sweep(&bound_ops[i]);
	sweep(&load_mirror);
	must(load(&load_mirror), "load the mirror");
	must(round_trip("/dev/mirror"), "use the mirror");	/* so its legs are attached */
	sweep(&use_mirror);
	unload("mirror");
	sweep(&unbind_op);
	must(bind_device(0, false), "unbind");
	sweep(&bind_op);
	must(bind_device(0, true), "bind");
	sweep_configfs();
	sweep(&unload_op);
	unload("sim_dev");
	unload("iotimer");

	note("%lu allocations failed, %lu of them made the operation fail", all_failed, all_errors);
	if (!ksft_test_num())
		die("no operation has '%s' in its name", wanted);
	ksft_plan = ksft_test_num();	/* depends on the pattern */
	ksft_finished();
}
