/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_client - requests to a simulated device, from other drivers
 *
 * For a driver above sim_dev, such as examples/mirror, and for tests. A request
 * does what a write() to the device's node does: the device gets its data and loops
 * them back.
 *
 *	client = sim_client_get(3);		the device of /dev/sim_dev3
 *	if (IS_ERR(client))
 *		return PTR_ERR(client);
 *	req->data = data;
 *	req->len = len;
 *	req->read_back = true;
 *	req->done = my_done;
 *	err = sim_client_submit(client, req);
 *
 * The submitter allocates the request, usually as a member of a structure of its
 * own. From sim_client_submit() on, the request and its data belong to the driver of
 * the device. They belong to the submitter again when the driver calls done(), exactly
 * once, or when sim_client_cancel() returns true: then done() is not called.
 *
 * The driver of the device times the request out, resets the device and retries, as
 * for a write(). So done() is always called, but maybe late: after the requests before
 * it in the queue, and after all retries. If the device is unbound, its requests end
 * with -ENODEV, or with -ECANCELED if they were cancelled.
 *
 * The one thing people get wrong: after sim_client_cancel() has returned false, the
 * device may still have the request. Do not free or use its data before done() is
 * called.
 */
#ifndef _SIM_CLIENT_H
#define _SIM_CLIENT_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>

#define SIM_CLIENT_MAX_LEN	4096	/* bytes of a request */

struct sim_client;

/**
 * struct sim_request - a request to a simulated device (IRP)
 * @data: what the device gets
 * @len: bytes of it, 1 to SIM_CLIENT_MAX_LEN
 * @read_back: write what the device loops back over @data
 * @done: called when the request is done, without a lock of the device's: by a
 *	thread or softirq (never a hard interrupt), so it may not sleep, and a lock
 *	that it takes must be taken with softirqs off everywhere else. It may be
 *	called before sim_client_submit() has returned, but not by sim_client_submit() or
 *	sim_client_cancel(). It may free the request, or
 *	submit it again
 * @result: valid in done() and from then on: the bytes that the device did, which
 *	may be fewer than @len, or a negative errno. -EIO: the device reported an error, or
 *	its reset failed; -ETIMEDOUT: no retry is left; -ENODEV: the device was
 *	unbound; -ECANCELED: the request was cancelled
 *
 * The submitter sets the fields above @result. The driver does not change them, only
 * the data, with @read_back.
 */
struct sim_request {
	void *data;
	unsigned int len;
	bool read_back;
	void (*done)(struct sim_request *req);
	int result;
	/* private: for the driver of the device; its lock protects them */
	struct list_head queue;		/* in sim_dev.queue or sim_dev.done */
	struct sim_client *client;	/* who submitted it; NULL for write() */
	u64 number;			/* counted from 1 for each device */
	ktime_t submitted;		/* 0 if the event sim_dev_complete was off then */
	unsigned int retries;		/* starts that counted as retries */
	unsigned int restarts;		/* starts after resets for others */
	bool outstanding;		/* in the queue or in a slot */
	bool cancelled;
};

struct sim_client *sim_client_get(unsigned int number);
void sim_client_put(struct sim_client *client);
int sim_client_submit(struct sim_client *client, struct sim_request *req);
bool sim_client_cancel(struct sim_client *client, struct sim_request *req);

#endif /* _SIM_CLIENT_H */
