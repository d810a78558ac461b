// SPDX-License-Identifier: GPL-2.0-only
/*
 * null_dev - /dev/bench_null accepts all data and does nothing
 *
 * A write() to this node has the least cost that a write() to /dev/sim_devN can
 * have in the same guest. Guests without CONFIG_DEVMEM have no /dev/null.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uio.h>

static ssize_t null_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	size_t len = iov_iter_count(from);

	iov_iter_advance(from, len);
	return len;
}

static const struct file_operations null_fops = {
	.owner = THIS_MODULE,
	.write_iter = null_write_iter,
};

static struct miscdevice null_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bench_null",
	.fops = &null_fops,
};

module_misc_device(null_dev);

MODULE_DESCRIPTION("A device that accepts all data and does nothing, for comparison");
MODULE_LICENSE("GPL");
