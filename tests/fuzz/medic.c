// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the callers' devices working, and unbinds and binds two of them. */
#include "fuzz.h"

/* Control nodes of devices 3 and 4, opened before they are unbound: these still take "revive". */
static int revive_fds[2];

void open_revive_nodes(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		revive_fds[i] = open_node(3 + i, true, O_WRONLY);
		if (revive_fds[i] < 0)
			die("device %u: %m", 3 + i);
	}
}

void close_revive_nodes(void)
{
	close(revive_fds[0]);
	close(revive_fds[1]);
}

/* Revive a device that may be unbound, and so have no node but the one opened earlier. */
void revive(unsigned int device)
{
	if (device == 3 || device == 4)
		if (write(revive_fds[device - 3], "revive", 6) != 6)
			die("device %u cannot be revived: %m", device);
}

/* Undo the callers' faults all the time; inject errors where their faults are rare. */
void medic_run(void)
{
	unsigned int device;

	while (!stopped()) {
		alarm(STUCK);
		for (device = 1; device <= 4; device++) {
			revive(device);
			ctl_command(device, "clear\nrevive\nlatency 1\nreset-latency 1\n%s",
				    device & 1 ? "error 1\n" : "");
			set_attr(device, "timeout", 1);
			set_attr(device, "reset_timeout", 1);
			set_attr(device, "max_retries", device & 1);
		}
		sleep_ms(7);
	}
}

/* Bind and unbind devices 3 and 4. Two processes do, so that they meet. */
void binder_run(struct worker *worker, unsigned int number)
{
	uint64_t r = mix(seed, number, 0);
	unsigned int device;
	bool bind;
	int err;

	while (!stopped()) {
		alarm(STUCK);
		count(&worker->progress, 1);
		device = 3 + rng_below(&r, 2);
		bind = rng_below(&r, 3);
		snprintf(worker->now, sizeof(worker->now), "%sbind %u", bind ? "" : "un", device);
		err = bind_device(device, bind);
		if (err && err != ENODEV && !(bind && err == EBUSY))
			failure(worker, "%s is not documented", strerror(err));
		else if (bind)
			count(&shared->rebinds, 1);
		sleep_ms(rng_below(&r, 60));
	}
}
