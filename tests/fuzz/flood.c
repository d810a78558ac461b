// SPDX-License-Identifier: GPL-2.0-only
/* Devices that time out without end, and what the driver logs meanwhile. */
#include "fuzz.h"

#include <poll.h>

const char *const log_words[NR_LOG] = {
	"timed out", "giving up", "retrying", "was cancelled", "reset failed",
	": done, but no interrupt", "was reset, but no interrupt", "callbacks suppressed",
	"starting over", " more",
};

/* The line that a device makes the driver log again and again. */
static unsigned int flood_kind(unsigned int device)
{
	static const unsigned int kinds[] = {
		RESET_FAILED, RESET_MISSED, RETRYING, CANCELLED, MISSED, RESET_MISSED, RESET_FAILED,
	};

	return kinds[device % 7];
}

/* Fill the queue; or, to have a request cancelled, submit one and close its file. */
static void flood_device(struct worker *worker, unsigned int d, int *fd)
{
	if (flood_kind(d) != CANCELLED) {
		/* A write may report the error of an earlier one that nobody read. */
		while (write(*fd, "flood", 5) == 5 || errno == EIO || errno == ETIMEDOUT)
			;
		if (errno != EAGAIN)
			failure(worker, "device %u: %m", d);
	} else if (!ctl_value(d, "outstanding")) {
		if (write(*fd, "flood", 5) != 5)
			failure(worker, "device %u: %m", d);
		close(*fd);
		*fd = open_node(d, false, O_WRONLY | O_NONBLOCK);
	}
}

void flood_run(struct worker *worker)
{
	int fds[NR_DEVICES];
	unsigned int d;

	hurry();
	for (d = FIRST_FLOOD; d < NR_DEVICES; d++) {
		set_attr(d, "timeout", 1);
		set_attr(d, "reset_timeout", 1);
		set_attr(d, "max_retries", flood_kind(d) == RETRYING ? 100 : 0);
		ctl_command(d, "%s 1000000\nlatency 1\nreset-latency 1\n%s",
			    flood_kind(d) == MISSED ? "lost" : "hang",
			    flood_kind(d) == RESET_FAILED ? "reset-hang 1000000\n" :
			    flood_kind(d) == RESET_MISSED ? "reset-lost 1000000\n" : "");
		fds[d] = open_node(d, false, O_WRONLY | O_NONBLOCK);
	}
	while (!stopped()) {
		alarm(STUCK);
		count(&worker->progress, 1);
		for (d = FIRST_FLOOD; d < NR_DEVICES; d++)
			flood_device(worker, d, &fds[d]);
		sleep_ms(500);
	}
}

/* Count the events of the flood: without a limit, each would be a line of the log. */
void flood_count(void)
{
	unsigned int d;

	for (d = FIRST_FLOOD; d < NR_DEVICES; d++) {
		shared->events[TIMED_OUT] += ctl_value(d, "timeouts");
		switch (flood_kind(d)) {
		case RESET_FAILED:
			shared->events[RESET_FAILED] += ctl_value(d, "reset_failures");
			break;
		case RESET_MISSED:	/* there are no retries, so all requests fail */
			shared->events[RESET_MISSED] += ctl_value(d, "missed");
			shared->events[GIVING_UP] += ctl_value(d, "failed");
			break;
		case MISSED:
			shared->events[MISSED] += ctl_value(d, "missed");
			break;
		case RETRYING:
			shared->events[RETRYING] += ctl_value(d, "retries");
			break;
		case CANCELLED:
			shared->events[CANCELLED] += ctl_value(d, "cancelled");
			break;
		}
	}
}

/* Count a line of the kernel log, if it is one of ours. */
static void log_line(const char *text)
{
	unsigned int i;

	if (!strstr(text, "sim_dev") && !strstr(text, "iotimer"))
		return;
	/* From the last: "callbacks suppressed" stands behind a function's name. */
	for (i = NR_LOG - 1; i < NR_LOG; i--)
		if (strstr(text, log_words[i]))
			break;
	if (i < NR_LOG) {
		count(&shared->logged[i], 1);
	} else {
		count(&shared->log_others, 1);
		note("wrong: the kernel logs: %s", text);
	}
}

/* Count the lines that the kernel logs, until the others have stopped. */
void log_run(int fd)
{
	unsigned long long sequence, next = 0;
	struct pollfd ready = { fd, POLLIN, 0 };
	char record[8192];
	ssize_t len;
	bool last;

	hurry();
	do {
		alarm(STUCK);
		last = stopped();
		poll(&ready, 1, 100);
		while ((len = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
			if (len <= 0)
				continue;
			record[len] = '\0';
			if (sscanf(record, "%*u,%llu", &sequence) == 1) {
				if (next && sequence > next)
					count(&shared->log_lost, sequence - next);
				next = sequence + 1;
			}
			if (strchr(record, ';'))
				log_line(strchr(record, ';') + 1);
		}
	} while (!last);
}
