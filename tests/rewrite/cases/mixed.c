// SPDX-License-Identifier: GPL-2.0-only
// Converted in part: a time-out and a watchdog in two structs, beside a short timer. An include
// stands under a condition. The watchdog's period is a macro with a time in it.
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/pci.h>
#ifdef CONFIG_OF
#include <linux/of.h>
#endif

#define NEXT (jiffies + msecs_to_jiffies(1000))

struct port;

struct adapter {
	struct timer_list heartbeat;
	struct port *port;
	int beats;
};

struct port {
	struct adapter adapter;
	struct timer_list timer;
	struct timer_list blink;
	int errors;
};

static void adapter_heartbeat(struct timer_list *t)
{
	struct adapter *adapter = from_timer(adapter, t, heartbeat);

	if (++adapter->beats < 100)
		mod_timer(&adapter->heartbeat, NEXT);
}

static void port_timer(struct timer_list *t)
{
	struct port *port = from_timer(port, t, timer);

	port->errors++;
}

static void port_blink(struct timer_list *t)
{
	struct port *port = from_timer(port, t, blink);

	mod_timer(&port->blink, jiffies + HZ / 4);
}

static int adapter_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct port *port = devm_kzalloc(&pdev->dev, sizeof(*port), GFP_KERNEL);

	if (!port)
		return -ENOMEM;
	pci_set_drvdata(pdev, port);
	port->adapter.port = port;
	timer_setup(&port->adapter.heartbeat, adapter_heartbeat, 0);
	timer_setup(&port->timer, port_timer, 0);
	timer_setup(&port->blink, port_blink, 0);
	mod_timer(&port->adapter.heartbeat, NEXT);
	mod_timer(&port->blink, jiffies + HZ / 4);
	return 0;
}

void port_send(struct port *port, unsigned int seconds);
void port_send(struct port *port, unsigned int seconds)
{
	if (seconds)
		mod_timer(&port->timer, jiffies + (seconds * HZ));
	else
		mod_timer(&port->timer, jiffies + 3 * HZ / 2);
}

void port_sent(struct port *port);
void port_sent(struct port *port)
{
	if (!timer_delete(&port->timer))
		port->errors++;
}

static void adapter_remove(struct pci_dev *pdev)
{
	struct port *port = pci_get_drvdata(pdev);

	timer_delete_sync(&port->timer);
	timer_delete_sync(&port->blink);
	timer_delete_sync(&port->adapter.heartbeat);
}

static struct pci_driver adapter_driver = {
	.name = "adapter",
	.probe = adapter_probe,
	.remove = adapter_remove,
};
module_pci_driver(adapter_driver);
MODULE_LICENSE("GPL");
