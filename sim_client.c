// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim_client - the interface of simulated devices to other drivers
 *
 * A struct sim_client holds a reference to its device, so it can be used after the
 * driver was unbound from the device; then requests are refused.
 *
 * It also counts its requests until their done() has returned. sim_client_put()
 * waits for that. So when a module has put its clients, no done() of the module is
 * running any more, and the module can be unloaded.
 */
#include <linux/build_bug.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "sim_client.h"
#include "sim_dev.h"
#include "sim_hw.h"

static_assert(SIM_CLIENT_MAX_LEN == SIM_HW_BUFFER_SIZE);

/**
 * struct sim_client - who submits requests to a device
 * @sim: the device, with a reference
 * @ref: 1, and 1 for each request whose done() has not returned; sim_client_put()
 *	drops the first
 * @idle: completed when @ref is 0
 */
struct sim_client {
	struct sim_dev *sim;
	refcount_t ref;
	struct completion idle;
};

/**
 * sim_client_get - get access to a device
 * @number: its number; N for /dev/sim_devN
 *
 * Context: process, may sleep.
 * Return: the client; ERR_PTR(-ENODEV): there is no such device, or no driver is
 *	bound to it; ERR_PTR(-ENOMEM).
 */
struct sim_client *sim_client_get(unsigned int number)
{
	struct sim_client *client = kmalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return ERR_PTR(-ENOMEM);
	client->sim = sim_dev_get(number);
	if (!client->sim) {
		kfree(client);
		return ERR_PTR(-ENODEV);
	}
	refcount_set(&client->ref, 1);
	init_completion(&client->idle);
	return client;
}
EXPORT_SYMBOL_GPL(sim_client_get);

/**
 * sim_client_end - a request is the submitter's again
 * @client: the client; may be freed when this returns
 *
 * Context: any.
 */
void sim_client_end(struct sim_client *client)
{
	if (refcount_dec_and_test(&client->ref))
		complete(&client->idle);
}

/**
 * sim_client_put - give up access to a device
 * @client: the client, freed; submit nothing to it any more
 *
 * Waits for the client's requests, so cancel them first if they need not be done.
 * When this returns, no done() of the client is running, or will be called.
 *
 * Context: process, may sleep; not done().
 */
void sim_client_put(struct sim_client *client)
{
	might_sleep();
	if (!refcount_dec_and_test(&client->ref))
		wait_for_completion(&client->idle);
	sim_dev_put(client->sim);
	kfree(client);
}
EXPORT_SYMBOL_GPL(sim_client_put);

/**
 * sim_client_submit - submit a request
 * @client: the client
 * @req: the request
 *
 * The caller may hold a lock that done() takes.
 *
 * Context: any but NMI; on PREEMPT_RT, where a spinlock may be taken.
 * Return: 0: done() will be called, or was already; -EINVAL: the request has no data, or no done();
 *	-EMSGSIZE: it has more than SIM_CLIENT_MAX_LEN bytes; -ENODEV: the driver was
 *	unbound from the device; -EAGAIN: the queue is full; try again when a
 *	request is done, maybe another submitter's.
 */
int sim_client_submit(struct sim_client *client, struct sim_request *req)
{
	struct sim_dev *sim = client->sim;
	unsigned long flags;
	int err;

	if (!req->len || !req->data || !req->done)
		return -EINVAL;
	if (req->len > SIM_CLIENT_MAX_LEN)
		return -EMSGSIZE;
	spin_lock_irqsave(&sim->lock, flags);
	err = sim_dev_admit(sim);
	if (!err) {
		refcount_inc(&client->ref);
		req->client = client;
		sim_dev_queue(sim, req, true);
	}
	spin_unlock_irqrestore(&sim->lock, flags);
	return err;
}
EXPORT_SYMBOL_GPL(sim_client_submit);

/**
 * sim_client_cancel - cancel a request
 * @client: the client that submitted it
 * @req: the request; it may be done already, but not freed
 *
 * A request in the queue is taken back. One in the device ends with -ECANCELED, once
 * the device has ended it or was reset. The caller may hold a lock that done() takes.
 *
 * Context: any but NMI; on PREEMPT_RT, where a spinlock may be taken.
 * Return: true: the request is the caller's again, and done() is not called. false:
 *	done() is called, or was.
 */
bool sim_client_cancel(struct sim_client *client, struct sim_request *req)
{
	struct sim_dev *sim = client->sim;
	unsigned long flags;
	bool taken_back;

	spin_lock_irqsave(&sim->lock, flags);
	taken_back = sim_dev_cancel(sim, req);
	spin_unlock_irqrestore(&sim->lock, flags);
	if (taken_back)
		sim_client_end(client);
	return taken_back;
}
EXPORT_SYMBOL_GPL(sim_client_cancel);
