// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipmi_lose - lose or hold up what a BMC answers, before ipmi_msghandler sees it
 *
 * Every message of the lower driver goes through ipmi_smi_msg_received(). Of a
 * message to the IPMB there are two: the BMC's own response, that it has sent the
 * message (Send Message), and later the answer (Get Message). ipmi_msghandler then
 * does with a lost one what it would do if it had not come.
 */
#include <linux/delay.h>
#include <linux/ipmi_smi.h>
#include <linux/kprobes.h>
#include <linux/module.h>

#ifndef CONFIG_X86_64
#error "Where are the arguments of a function on this architecture?"
#endif

static unsigned int answers;
module_param(answers, uint, 0644);
MODULE_PARM_DESC(answers, "lose so many of the next answers");

static unsigned int responses;
module_param(responses, uint, 0644);
MODULE_PARM_DESC(responses, "lose so many of the next responses to Send Message");

static unsigned int sent;
module_param(sent, uint, 0644);
MODULE_PARM_DESC(sent, "how many messages the BMC said it has sent, the lost responses included");

static unsigned int hold_ms;
module_param(hold_ms, uint, 0644);
MODULE_PARM_DESC(hold_ms, "stop the CPU for so long while it handles the next response to Send Message");

#define APP_RESPONSE	((IPMI_NETFN_APP_REQUEST | 1) << 2)

static bool responds_to(const struct ipmi_smi_msg *msg, unsigned char command)
{
	return msg->rsp_size >= 3 && msg->rsp[0] == APP_RESPONSE && msg->rsp[1] == command;
}

/* Only one CPU at a time is here: there is one BMC. */
static int lose(struct kprobe *probe, struct pt_regs *regs)
{
	struct ipmi_smi_msg *msg = (void *)regs->si;

	if (responds_to(msg, IPMI_SEND_MSG_CMD)) {
		sent++;
		if (responses) {
			responses--;
			msg->msgid ^= 1;	/* of another message in this slot */
		}
	} else if (responds_to(msg, IPMI_GET_MSG_CMD) && answers) {
		answers--;
		msg->rsp[2] = 0x80;		/* the queue is empty */
	}
	return 0;
}

/* Neither timers nor works run meanwhile, if this CPU is the only one. */
static int hold(struct kprobe *probe, struct pt_regs *regs)
{
	struct ipmi_smi_msg *msg = (void *)regs->si;

	if (hold_ms && responds_to(msg, IPMI_SEND_MSG_CMD)) {
		unsigned long flags;

		local_irq_save(flags);
		mdelay(hold_ms);
		local_irq_restore(flags);
		hold_ms = 0;
	}
	return 0;
}

static struct kprobe received = {
	.symbol_name = "ipmi_smi_msg_received",
	.pre_handler = lose,
};

static struct kprobe handled = {
	.symbol_name = "ipmi_msghandler:handle_one_recv_msg",
	.pre_handler = hold,
};

static bool can_hold;
module_param(can_hold, bool, 0444);
MODULE_PARM_DESC(can_hold, "does hold_ms work? The compiler may have left no such function");

static int __init lose_init(void)
{
	int err = register_kprobe(&received);

	if (!err)
		can_hold = !register_kprobe(&handled);
	return err;
}

static void __exit lose_exit(void)
{
	unregister_kprobe(&received);
	if (can_hold)
		unregister_kprobe(&handled);
}

module_init(lose_init);
module_exit(lose_exit);
MODULE_DESCRIPTION("Lose what a BMC answers");
MODULE_LICENSE("GPL");
