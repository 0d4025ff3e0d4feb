/*
 * Sends TCP segments of 60-byte frames to the VIP from 16,384 ports: generator IF DESTINATION-MAC VIP SECONDS [FRAMES-PER-SECOND].
 * Prints {"sent", "seconds", "waited"}: how long others had its CPU, s. packet(7), sendmmsg(2), proc(5).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, PORTS = 16384, FRAME_BYTES = 60 };

struct frame {
	struct ether_header ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	unsigned char padding[FRAME_BYTES - 54];
} __attribute__((packed));

static struct frame frames[BATCH];
static struct iovec pieces[BATCH];
static struct mmsghdr messages[BATCH];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Seconds that this process was ready to run and did not. */
static double waited(void)
{
	unsigned long long ran, waited = 0;
	FILE *file = fopen("/proc/self/schedstat", "r");

	if (!file || fscanf(file, "%llu %llu", &ran, &waited) != 2) {
		perror("/proc/self/schedstat");
		exit(1);
	}
	fclose(file);
	return waited * 1e-9;
}

static int open_socket(const char *interface, unsigned char source[6])
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(interface) };
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct ifreq request = { 0 };

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || ioctl(fd, SIOCGIFHWADDR, &request)) {
		perror(interface);
		exit(1);
	}
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	memcpy(source, request.ifr_hwaddr.sa_data, 6);
	return fd;
}

static unsigned short header_sum(const void *header)
{
	const unsigned short *half = header;
	unsigned int sum = 0;

	for (int i = 0; i < 10; i++)
		sum += half[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

int main(int count, char **argument)
{
	unsigned char source[6];
	unsigned int octet[6];
	int fd = open_socket(argument[1], source);
	double seconds = atof(argument[4]), rate = count > 5 ? atof(argument[5]) : 0, begin, at, waited_before;
	unsigned long sent = 0;
	unsigned short port = 0;

	sscanf(argument[2], "%x:%x:%x:%x:%x:%x", octet, octet + 1, octet + 2, octet + 3, octet + 4, octet + 5);
	for (int i = 0; i < BATCH; i++) {
		struct frame *f = &frames[i];

		for (int j = 0; j < 6; j++)
			f->ethernet.ether_dhost[j] = octet[j];
		memcpy(f->ethernet.ether_shost, source, 6);
		f->ethernet.ether_type = htons(ETHERTYPE_IP);
		f->ip = (struct iphdr){ .version = 4, .ihl = 5, .tot_len = htons(40), .ttl = 64, .protocol = IPPROTO_TCP,
					.saddr = inet_addr("10.79.0.250"), .daddr = inet_addr(argument[3]) };
		f->ip.check = header_sum(&f->ip);
		f->tcp.dest = htons(80);
		f->tcp.doff = 5;
		f->tcp.ack = 1;
		pieces[i] = (struct iovec){ f, FRAME_BYTES };
		messages[i].msg_hdr.msg_iov = &pieces[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	waited_before = waited();
	begin = now();
	while ((at = now()) - begin < seconds) {
		int done;

		if (rate > 0 && sent > (at - begin) * rate)
			continue;
		for (int i = 0; i < BATCH; i++)
			frames[i].tcp.source = htons(1024 + (port++ & (PORTS - 1)));
		done = sendmmsg(fd, messages, BATCH, 0);
		if (done > 0)
			sent += done;
	}
	printf("{\"sent\":%lu,\"seconds\":%.6f,\"waited\":%.6f}\n", sent, at - begin, waited() - waited_before);
	return 0;
}
