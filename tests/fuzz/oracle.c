// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to the control node of device 0 and to its attributes, each predicted by
 * grammar.c; nobody else uses this device.
 */
#include "fuzz.h"

struct oracle {
	struct worker *worker;
	uint64_t r;
	struct model model;
	uint64_t spurious;	/* value that the node showed last */
	unsigned int settings[NR_SETTINGS];
	struct model scratch;
	uint8_t *arena;
	int fd;
	bool wrong;
};

static __attribute__((format(printf, 2, 3)))
void oracle_wrong(struct oracle *o, const char *format, ...)
{
	char text[3500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	failure(o->worker, "%s", text);
	o->wrong = true;
}

/*
 * The node must show exactly the model, but for interrupts without cause, which the
 * device goes on raising.
 */
static void oracle_compare(struct oracle *o, const char *after)
{
	const struct model *m = &o->model;
	char seen[MAX_SHOWN] = "", expected[MAX_SHOWN], *at = expected;
	long long pending, storm, spurious;
	ssize_t len = pread(o->fd, seen, sizeof(seen) - 1, 0);
	unsigned int i;

	count(&shared->samples, 1);
	if (len <= 0 || !find_value(seen, "pending_spurious", &pending) ||
	    !find_value(seen, "pending_storm", &storm) ||
	    !find_value(seen, "spurious", &spurious)) {
		oracle_wrong(o, "the control node shows '%s'", seen);
		return;
	}
	at += sprintf(at, "state: idle\ncounter: -1\noutstanding: 0\ndead: %d\ngone: %d\n"
		      "latency_ms: %u", m->dead, m->gone, m->latency);
	if (m->max_latency != m->latency)
		at += sprintf(at, "-%u", m->max_latency);
	at += sprintf(at, "\nreset_latency_ms: %u\nlate_ms: %u\npending_hang: %u\n"
		      "pending_late: %u\npending_error: %u\npending_reset_hang: %u\n"
		      "pending_spurious: %lld\npending_lost: %u\npending_duplicate: %u\n"
		      "pending_reset_lost: %u\npending_storm: %lld\n",
		      m->reset_latency, m->late_ms, m->hang, m->late, m->error, m->reset_hang,
		      pending, m->lost, m->duplicate, m->reset_lost, storm);
	if (m->corrupt)
		at += sprintf(at, "pending_corrupt: %u\n", m->corrupt);
	if (m->shorter)
		at += sprintf(at, "pending_short: %u\n", m->shorter);
	if (m->abort_hang)
		at += sprintf(at, "pending_abort_hang: %u\n", m->abort_hang);
	at += sprintf(at, "submitted: 0\ncompleted: 0\nfailed: 0\ncancelled: 0\n"
		      "timeouts: 0\nresets: 0\nreset_failures: 0\nretries: 0\nlate: 0\n"
		      "spurious: %lld\nmissed: 0\naborts: 0\ninnocent: 0\n", spurious);
	if (m->seed != 1)
		at += sprintf(at, "seed: %u\n", m->seed);
	for (i = 0; i < m->nr_rules; i++)
		at += sprintf(at, "rule %u: %s struck 0\n", m->rules[i].number, m->rules[i].text);
	if (strcmp(seen, expected))
		oracle_wrong(o, "after %s the node shows\n%sinstead of\n%s", after, seen, expected);
	else if (pending > m->spurious || storm > m->storm || spurious < o->spurious ||
		 spurious > m->all_spurious)
		oracle_wrong(o,
			     "after %s: %lld of %u spurious and %lld of a storm of %u pending, %lld came, %llu before",
			     after, pending, m->spurious, storm, m->storm, spurious,
			     (unsigned long long)o->spurious);
	o->spurious = spurious;
}

/* Write, and compare with the prediction. Returns where the next write begins. */
static size_t oracle_write(struct oracle *o, const uint8_t *p, size_t avail, size_t bytes)
{
	struct prediction v;
	ssize_t ret = write(o->fd, p, bytes);
	int err = ret < 0 ? errno : 0;
	size_t at;
	bool good;

	o->scratch = o->model;
	v = predict_write(p, avail, bytes, &o->scratch);
	if (ret > 0)
		good = ret <= v.most && ret >= (v.least ? v.least : 1) &&
			(avail == bytes || ret == v.most || p[ret - 1] == '\n');
	else if (!ret)
		good = !bytes;
	else
		good = bytes && !v.least && (err == v.err || (avail < bytes && err == EFAULT));
	at = ret < 0 ? 0 : ret < v.most ? ret : v.most;
	if (!good) {
		oracle_wrong(o,
			     "write of %zu bytes, %zu readable: %zd %s instead of %zu to %zu, %s: '%s'",
			     bytes, avail, ret, strerrorname_np(err), v.least, v.most,
			     strerrorname_np(v.err),
			     quoted(p + at, line_length(p + at, avail - at)));
		return avail;
	}
	if (ret > 0) {
		v = predict_write(p, ret, ret, &o->model);
		count(&shared->lines, v.lines);
		count(&shared->line_errnos[0], v.lines);
		return ret;
	}
	count(&shared->line_errnos[err], 1);
	if (avail < bytes)
		return avail;
	count(&shared->lines, v.bad != 0);
	if (v.bad && one_in(&o->r, 64))
		oracle_compare(o, "a bad line");
	return v.bad;
}

static void oracle_lines(struct oracle *o)
{
	size_t len, done = 0, max = one_in(&o->r, 10) ? 32768 : 2000;
	uint8_t *p = put_lines(&o->r, o->arena, max, &len);

	if (one_in(&o->r, 20)) {	/* longer than what can be read */
		snprintf(o->worker->now, sizeof(o->worker->now), "past the end");
		oracle_write(o, p, len, len + 1 + rng_below(&o->r, 200));
	} else if (one_in(&o->r, 100)) {
		oracle_write(o, p, 0, 0);
	}
	while (done < len && !o->wrong) {
		snprintf(o->worker->now, sizeof(o->worker->now), "at %zu of %zu", done, len);
		done += oracle_write(o, p + done, len - done, len - done);
	}
	if (!o->wrong && one_in(&o->r, 32))
		oracle_compare(o, "lines");
}

static void oracle_attr(struct oracle *o)
{
	unsigned int i = rng_below(&o->r, NR_ATTRS), value;
	const struct attr *attr = &attrs[i];
	char text[6200], seen[32];
	size_t len;
	ssize_t ret;
	int fd, err;

	snprintf(o->worker->now, sizeof(o->worker->now), "attribute %s", attr->name);
	fd = open_attr(0, attr->name, O_RDWR);
	if (i >= NR_SETTINGS) {
		if (fd >= 0 || errno != EACCES)
			oracle_wrong(o, "opens for writing: %m");
		return;
	}
	if (fd < 0) {
		oracle_wrong(o, "%m");
		return;
	}
	len = put_setting(&o->r, text);
	err = len ? predict_attr(attr, (uint8_t *)text, len, &value) : 0;
	ret = write(fd, text, len);
	if (err ? ret >= 0 || errno != err : ret != (len < 4096 ? len : 4096))
		oracle_wrong(o, "%zd %s instead of %s for '%s'", ret,
			     ret < 0 ? strerrorname_np(errno) : "", strerrorname_np(err),
			     quoted((uint8_t *)text, len));
	if (len && !err)
		o->settings[i] = value;
	count(&shared->count[ATTR_WRITE], 1);
	count(&shared->errnos[ATTR_WRITE][err], 1);
	ret = pread(fd, seen, sizeof(seen) - 1, 0);
	seen[ret > 0 ? ret : 0] = '\0';
	snprintf(text, sizeof(text), "%u\n", o->settings[i]);
	if (strcmp(seen, text))
		oracle_wrong(o, "shows %s instead of %s", seen, text);
	close(fd);
}

void oracle_run(struct worker *worker)
{
	static const char start[] =
		"clear\nrevive\nlatency 5\nreset-latency 5\nlate 0\nseed 1\nclear\n";
	struct oracle o = { .worker = worker, .arena = new_arena(), .settings = { 3, 2, 3 } };
	unsigned int i;

	o.fd = open_node(0, true, O_RDWR);
	if (o.fd < 0 || write(o.fd, start, strlen(start)) != strlen(start))
		die("the control node of device 0: %m");
	predict_write((const uint8_t *)start, strlen(start), strlen(start), &o.model);
	for (i = 0; i < NR_SETTINGS; i++)
		set_attr(0, attrs[i].name, o.settings[i]);
	while (shared->lines < nr_lines && !o.wrong) {
		alarm(STUCK);
		count(&worker->progress, 1);
		o.r = mix(seed, 0, worker->progress);
		oracle_lines(&o);
		if (one_in(&o.r, 4))
			oracle_attr(&o);
	}
	if (!o.wrong)
		oracle_compare(&o, "all");
}
