// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipmi - messages to a BMC through /dev/ipmi0
 *
 *	ipmi answers			print what the BMC answers to some requests
 *	ipmi one ADDRESS RETRIES MS	ask the controller at ADDRESS of the IPMB for its device id
 *	ipmi load MESSAGES OUTSTANDING	ask the BMC and its neighbour, so many at a time
 *	ipmi load-bmc MESSAGES OUTSTANDING	ask the BMC only
 *	ipmi leave ADDRESS MESSAGES	ask for so many, and end without waiting
 *	ipmi cost MESSAGES		the time of one message to the neighbour, one at a time
 *	ipmi listen SECONDS		wait for events, of which there are none
 *	ipmi late SECONDS		open the file, and ask for events only after so long
 *
 * "one" prints the completion code and the milliseconds to the answer. QEMU's BMC
 * has a neighbour at NEIGHBOUR; no other address answers. A message to the IPMB has a
 * slot in ipmi_msghandler, one to the BMC itself has none.
 *
 * Exit status: 0 if all was answered rightly, 2 if the interface went away.
 */
#include "client.h"

#include <linux/ipmi.h>
#include <poll.h>
#include <sys/ioctl.h>

#define NEIGHBOUR	0x40
#define APP		0x06		/* network function "application", and some commands */
#define GET_DEVICE_ID	0x01
#define GET_SELF_TEST	0x04
#define TIMED_OUT	0xc3		/* completion code */
#define PATIENCE	100		/* seconds */

struct answer {
	long id;
	unsigned char data[IPMI_MAX_MSG_LENGTH];	/* the completion code first */
	int len;
};

static int fd;

static __attribute__((noreturn)) void gone(const char *what)
{
	printf("%s: %m\n", what);
	exit(errno == ENODEV || errno == ESHUTDOWN || errno == EINVAL || errno == EIO ? 2 : 1);
}

/*
 * Send a request. Address 0 is the BMC itself. Retries of -1 and 0 ms are the driver's
 * own. Returns 0 or an errno.
 */
static int ask(int address, long id, int netfn, int command, const char *data, int len,
	       int retries, unsigned int ms)
{
	struct ipmi_system_interface_addr bmc = {
		.addr_type = IPMI_SYSTEM_INTERFACE_ADDR_TYPE, .channel = IPMI_BMC_CHANNEL,
	};
	struct ipmi_ipmb_addr ipmb = {
		.addr_type = IPMI_IPMB_ADDR_TYPE, .slave_addr = address,
	};
	struct ipmi_req_settime request = {
		.req.addr = address ? (void *)&ipmb : (void *)&bmc,
		.req.addr_len = address ? sizeof(ipmb) : sizeof(bmc),
		.req.msgid = id,
		.req.msg = { netfn, command, len, (void *)data },
		.retries = retries,
		.retry_time_ms = ms,
	};

	return ioctl(fd, IPMICTL_SEND_COMMAND_SETTIME, &request) ? errno : 0;
}

/* A process that waits is not told when the interface goes away, so ask now and then. */
static void wait_for_answer(void)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	unsigned int address;

	for (int second = 0; second < PATIENCE; second++) {
		int ready = poll(&poller, 1, 1000);

		if (ready > 0)
			return;
		if (ready < 0 || ioctl(fd, IPMICTL_GET_MY_ADDRESS_CMD, &address))
			gone("wait");
	}
	printf("no answer in %d s\n", PATIENCE);
	exit(1);
}

/* The next answer. */
static struct answer receive(void)
{
	struct answer a = {};
	struct ipmi_addr address;
	struct ipmi_recv r = {
		.addr = (void *)&address, .addr_len = sizeof(address),
		.msg = { .data = a.data, .data_len = sizeof(a.data) },
	};

	wait_for_answer();
	if (ioctl(fd, IPMICTL_RECEIVE_MSG_TRUNC, &r))
		gone("receive");
	if (r.recv_type != IPMI_RESPONSE_RECV_TYPE) {
		printf("type %d instead of a response\n", r.recv_type);
		exit(1);
	}
	a.id = r.msgid;
	a.len = r.msg.data_len;
	return a;
}

/* Ask, and wait for the answer. */
static struct answer ask_and_wait(int address, int netfn, int command, const char *data, int len)
{
	static long id;
	int err = ask(address, ++id, netfn, command, data, len, -1, 0);
	struct answer a;

	if (err) {
		errno = err;
		gone("send");
	}
	a = receive();
	if (a.id != id) {
		printf("answer %ld instead of %ld\n", a.id, id);
		exit(1);
	}
	return a;
}

static void print_answer(const char *name, int address, int netfn, int command,
			 const char *data, int len)
{
	struct answer a = ask_and_wait(address, netfn, command, data, len);

	printf("%s", name);
	for (int i = 0; i < len; i++)
		printf(" %d", data[i]);
	printf(":");
	for (int i = 0; i < a.len; i++)
		printf(" %02x", a.data[i]);
	printf("\n");
}

static void print_answers(void)
{
	print_answer("device id", 0, APP, GET_DEVICE_ID, "", 0);
	print_answer("self test", 0, APP, GET_SELF_TEST, "", 0);
	print_answer("unique id", 0, APP, 0x08, "", 0);
	print_answer("power state", 0, APP, 0x07, "", 0);
	print_answer("global enables", 0, APP, 0x2f, "", 0);
	for (char channel = 0; channel < 16; channel++)
		print_answer("channel info", 0, APP, 0x42, &channel, 1);
	print_answer("channel info without its byte", 0, APP, 0x42, "", 0);
	print_answer("no such command", 0, APP, 0x7f, "raw", 3);
	print_answer("no such function", 0, 0x2e, 0x01, "raw", 3);
	print_answer("chassis status", 0, 0x00, 0x01, "", 0);
	print_answer("event log", 0, 0x0a, 0x40, "", 0);
	print_answer("device id of the neighbour", NEIGHBOUR, APP, GET_DEVICE_ID, "", 0);
	print_answer("self test of the neighbour", NEIGHBOUR, APP, GET_SELF_TEST, "", 0);
}

static void one(int address, int retries, unsigned int ms)
{
	double began = now();
	struct answer a;
	int err = ask(address, 1, APP, GET_DEVICE_ID, "", 0, retries, ms);

	if (err) {
		errno = err;
		gone("send");
	}
	a = receive();
	printf("%02x %.0f\n", a.data[0], (now() - began) * 1000);
}

/* The device id, as often as it takes. */
static struct answer right_answer(int address)
{
	struct answer a;

	do
		a = ask_and_wait(address, APP, GET_DEVICE_ID, "", 0);
	while (a.data[0] == TIMED_OUT);
	return a;
}

/*
 * Every other message is to the neighbour, which may be the BMC itself. Each must be
 * answered once, and rightly.
 */
static void load(long messages, int outstanding, int neighbour)
{
	struct answer right[2] = { right_answer(0), right_answer(neighbour) };
	bool *answered = calloc(messages, sizeof(*answered));
	long sent = 0, done = 0;

	if (right[0].data[0] || right[1].data[0]) {
		printf("completion codes %02x and %02x\n", right[0].data[0], right[1].data[0]);
		exit(1);
	}
	printf("under way\n");
	fflush(stdout);
	while (done < messages) {
		struct answer a;
		int err = 0;

		while (!err && sent < messages && sent - done < outstanding) {
			err = ask(sent % 2 * neighbour, sent, APP, GET_DEVICE_ID, "", 0, -1, 0);
			sent += !err;
		}
		/* EAGAIN: all slots are in use, by other processes perhaps. */
		if (err && err != EAGAIN) {
			errno = err;
			gone("send");
		}
		if (sent == done) {
			sleep_ms(1);
			continue;
		}
		a = receive();
		if (a.id < 0 || a.id >= sent || answered[a.id] ||
		    a.len != right[a.id % 2].len || memcmp(a.data, right[a.id % 2].data, a.len)) {
			printf("answer %ld of %ld is wrong or came twice: code %02x\n", a.id, sent,
			       a.data[0]);
			exit(1);
		}
		answered[a.id] = true;
		done++;
	}
	printf("OK %ld\n", done);
}

static void leave(int address, int messages)
{
	for (int i = 0; i < messages; i++) {
		int err = ask(address, i, APP, GET_DEVICE_ID, "", 0, 5, 60000);

		if (err) {
			errno = err;
			gone("send");
		}
	}
}

static void cost(int messages)
{
	double began = now();

	for (int i = 0; i < messages; i++)
		ask_and_wait(NEIGHBOUR, APP, GET_DEVICE_ID, "", 0);
	printf("%.0f\n", (now() - began) * 1e9 / messages);
}

static void listen_for(int seconds)
{
	int yes = 1;

	if (ioctl(fd, IPMICTL_SET_GETS_EVENTS_CMD, &yes))
		gone("listen");
	sleep_ms(seconds * 1000);
}

static void listen_late(int seconds)
{
	sleep_ms(seconds * 1000);
	listen_for(0);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	long a = argc > 2 ? strtol(argv[2], NULL, 0) : 0;
	long b = argc > 3 ? strtol(argv[3], NULL, 0) : 0;

	fd = open("/dev/ipmi0", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		gone("open");
	if (!strcmp(word, "answers") && argc == 2)
		print_answers();
	else if (!strcmp(word, "one") && argc == 5)
		one(a, b, strtol(argv[4], NULL, 0));
	else if (!strcmp(word, "load") && argc == 4)
		load(a, b, NEIGHBOUR);
	else if (!strcmp(word, "load-bmc") && argc == 4)
		load(a, b, 0);
	else if (!strcmp(word, "leave") && argc == 4)
		leave(a, b);
	else if (!strcmp(word, "cost") && argc == 3)
		cost(a);
	else if (!strcmp(word, "listen") && argc == 3)
		listen_for(a);
	else if (!strcmp(word, "late") && argc == 3)
		listen_late(a);
	else
		die("see the top of ipmi.c for what to say");
	return 0;
}
