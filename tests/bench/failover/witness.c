/*
 * What a client sees of a VIP, and who answers for it: witness VIP PORT INTERFACE SYN-MS ARP-MS, until its standard input ends.
 *
 * Sends a SYN every SYN-MS by a raw socket, so that the kernel's neighbour entry decides where it goes, and asks by ARP every ARP-MS. Prints what was
 * sent and what came, times in ms since 1970: "S time port" sent, "A time port" accepted, "R time port" refused, "O time mac" an owner answered ARP.
 * raw(7), packet(7).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Below the ports that the kernel gives to connections. */
enum { FIRST_PORT = 10000, PORTS = 20000 };
/* Nobody reads before the end, and a pipe is soon full: 30 KiB a second. */
static char output[1 << 24];

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned short checksum(const void *data, int bytes, unsigned int sum)
{
	const unsigned short *half = data;

	for (int i = 0; i < bytes / 2; i++)
		sum += half[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static in_addr_t own_address(in_addr_t vip, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = vip }, own;
	socklen_t length = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || getsockname(fd, (struct sockaddr *)&own, &length))
		fail("no way to the VIP");
	close(fd);
	return own.sin_addr.s_addr;
}

static void send_syn(int fd, in_addr_t own, in_addr_t vip, int port, int from)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = vip };
	struct tcphdr syn = { .source = htons(from), .dest = htons(port), .doff = 5, .syn = 1, .window = htons(1024) };
	struct { in_addr_t source, destination; unsigned short protocol, length; } pseudo = {
		own, vip, htons(IPPROTO_TCP), htons(sizeof(syn)) };
	unsigned int sum;

	syn.seq = random();
	sum = (unsigned short)~checksum(&pseudo, sizeof(pseudo), 0);
	syn.check = checksum(&syn, sizeof(syn), sum);
	printf("S %.3f %d\n", now_ms(), from);
	/* Without a neighbour the kernel says so later, or not at all: it counts as unanswered. */
	sendto(fd, &syn, sizeof(syn), 0, (struct sockaddr *)&to, sizeof(to));
}

static void hear_tcp(int fd, in_addr_t vip, int port)
{
	unsigned char packet[256];
	struct iphdr *ip = (void *)packet;
	ssize_t length;

	while ((length = recv(fd, packet, sizeof(packet), MSG_DONTWAIT)) > 0) {
		struct tcphdr *tcp = (void *)(packet + ip->ihl * 4);
		int to;

		if (length < ip->ihl * 4 + (ssize_t)sizeof(*tcp) || ip->saddr != vip || tcp->source != htons(port))
			continue;
		to = ntohs(tcp->dest);
		if (to < FIRST_PORT || to >= FIRST_PORT + PORTS)
			continue;
		if (tcp->rst)
			printf("R %.3f %d\n", now_ms(), to);
		else if (tcp->syn && tcp->ack)
			printf("A %.3f %d\n", now_ms(), to);
	}
}

struct arp_frame {
	struct ether_header ethernet;
	struct ether_arp arp;
} __attribute__((packed));

static struct arp_frame question;

static int open_arp(const char *interface, in_addr_t own, in_addr_t vip)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = if_nametoindex(interface) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
	struct ifreq request = { 0 };

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || ioctl(fd, SIOCGIFHWADDR, &request))
		fail(interface);
	memset(question.ethernet.ether_dhost, 0xff, 6);
	memcpy(question.ethernet.ether_shost, request.ifr_hwaddr.sa_data, 6);
	question.ethernet.ether_type = htons(ETHERTYPE_ARP);
	question.arp.ea_hdr = (struct arphdr){ htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), 6, 4, htons(ARPOP_REQUEST) };
	memcpy(question.arp.arp_sha, request.ifr_hwaddr.sa_data, 6);
	memcpy(question.arp.arp_spa, &own, 4);
	memcpy(question.arp.arp_tpa, &vip, 4);
	return fd;
}

static void hear_arp(int fd, in_addr_t vip)
{
	struct arp_frame frame;

	while (recv(fd, &frame, sizeof(frame), MSG_DONTWAIT) >= (ssize_t)sizeof(frame)) {
		unsigned char *mac = frame.arp.arp_sha;

		if (frame.arp.ea_hdr.ar_op != htons(ARPOP_REPLY) || memcmp(frame.arp.arp_spa, &vip, 4))
			continue;
		printf("O %.3f %02x:%02x:%02x:%02x:%02x:%02x\n", now_ms(), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	in_addr_t vip = inet_addr(argv[1]);
	int port = atoi(argv[2]);
	double syn_ms = atof(argv[4]), arp_ms = atof(argv[5]);
	in_addr_t own = own_address(vip, htons(port));
	int tcp = socket(AF_INET, SOCK_RAW, IPPROTO_TCP), arp = open_arp(argv[3], own, vip);
	double syn_at = now_ms(), arp_at = syn_at;
	struct pollfd sources[] = { { tcp, POLLIN, 0 }, { arp, POLLIN, 0 }, { 0, POLLIN, 0 } };
	int from;

	if (tcp < 0)
		fail("raw socket");
	srandom(getpid());
	/* Other ports than the last witness: other buckets. */
	from = random() % PORTS;
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	while (1) {
		double next = syn_at < arp_at ? syn_at : arp_at, wait = next - now_ms();
		struct timespec timeout = { 0, wait > 0 ? wait * 1e6 : 0 };

		ppoll(sources, 3, &timeout, NULL);
		hear_tcp(tcp, vip, port);
		hear_arp(arp, vip);
		if (sources[2].revents) {
			char byte;

			if (read(0, &byte, 1) <= 0)
				break;
		}
		if (now_ms() >= syn_at) {
			send_syn(tcp, own, vip, port, FIRST_PORT + from++ % PORTS);
			/* Who was held up does not send what he missed. */
			syn_at = now_ms() > syn_at + syn_ms * 4 ? now_ms() : syn_at + syn_ms;
		}
		if (now_ms() >= arp_at) {
			send(arp, &question, sizeof(question), 0);
			arp_at = now_ms() > arp_at + arp_ms * 4 ? now_ms() : arp_at + arp_ms;
		}
	}
	fflush(stdout);
	return 0;
}
