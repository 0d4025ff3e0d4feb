/*
 * What the pcap engine does, in C: pcap_peer IF OWN-MAC VIP NODE-MAC... A table of buckets, the fewest buckets for a new one, MACs
 * rewritten, pcap_inject. Runs until it is killed. pcap(3pcap)
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 65536, MAX_NODES = 16, BUFFER_BYTES = 16 << 20, TIMEOUT = 300 };

static struct {
	int node;
	uint32_t last_access;
} buckets[BUCKETS];
static unsigned char macs[MAX_NODES][6], own[6];
static unsigned int groups[MAX_NODES];
static int nodes;
static uint32_t vip, seconds;
static pcap_t *wire;

static void read_mac(const char *text, unsigned char mac[6])
{
	unsigned int octet[6];

	sscanf(text, "%x:%x:%x:%x:%x:%x", octet, octet + 1, octet + 2, octet + 3, octet + 4, octet + 5);
	for (int i = 0; i < 6; i++)
		mac[i] = octet[i];
}

static int by_member(const unsigned char *source)
{
	if (!memcmp(source, own, 6))
		return 1;
	for (int i = 0; i < nodes; i++)
		if (!memcmp(source, macs[i], 6))
			return 1;
	return 0;
}

static void handle(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *captured)
{
	unsigned char *frame = (unsigned char *)captured, *ip = frame + 14, *tcp;
	uint32_t source, destination, bucket;
	unsigned int header_bytes, total;

	(void)user;
	if (header->caplen < 54 || frame[12] != 8 || frame[13] != 0 || ip[0] >> 4 != 4)
		return;
	header_bytes = (ip[0] & 15) * 4;
	total = ip[2] << 8 | ip[3];
	memcpy(&source, ip + 12, 4);
	memcpy(&destination, ip + 16, 4);
	if (header_bytes < 20 || total < header_bytes + 20 || header->caplen < 14 + total || destination != vip || ip[9] != 6 ||
	    ((ip[6] << 8 | ip[7]) & 0x1fff))
		return;
	tcp = ip + header_bytes;
	if ((tcp[2] << 8 | tcp[3]) != 80 || memcmp(frame, own, 6) || by_member(frame + 6))
		return;
	bucket = (uint32_t)(((uint64_t)ntohl(source) + (tcp[0] << 8 | tcp[1])) % BUCKETS);
	if (buckets[bucket].node < 0 ||
	    ((tcp[13] & 0x12) == 2 && (int32_t)(seconds - buckets[bucket].last_access) > TIMEOUT)) {
		int best = 0;

		for (int i = 1; i < nodes; i++)
			if (groups[i] < groups[best])
				best = i;
		if (buckets[bucket].node >= 0)
			groups[buckets[bucket].node]--;
		groups[best]++;
		buckets[bucket].node = best;
	}
	buckets[bucket].last_access = seconds;
	memcpy(frame, macs[buckets[bucket].node], 6);
	memcpy(frame + 6, own, 6);
	pcap_inject(wire, frame, header->caplen);
}

int main(int count, char **argument)
{
	char error[PCAP_ERRBUF_SIZE], filter[256];
	struct bpf_program program;
	struct pollfd pollfd;

	read_mac(argument[2], own);
	vip = inet_addr(argument[3]);
	for (nodes = 0; nodes + 4 < count; nodes++)
		read_mac(argument[nodes + 4], macs[nodes]);
	for (int i = 0; i < BUCKETS; i++)
		buckets[i].node = -1;
	wire = pcap_create(argument[1], error);
	pcap_set_snaplen(wire, 2048);
	pcap_set_immediate_mode(wire, 1);
	pcap_set_buffer_size(wire, BUFFER_BYTES);
	snprintf(filter, sizeof(filter), "ether dst %s and ip dst host %s", argument[2], argument[3]);
	if (pcap_activate(wire) < 0 || pcap_setdirection(wire, PCAP_D_IN) < 0 ||
	    pcap_compile(wire, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0 || pcap_setfilter(wire, &program) < 0 ||
	    pcap_setnonblock(wire, 1, error) < 0) {
		fprintf(stderr, "%s\n", pcap_geterr(wire));
		return 1;
	}
	pollfd = (struct pollfd){ .fd = pcap_get_selectable_fd(wire), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct timespec now;

		clock_gettime(CLOCK_BOOTTIME, &now);
		seconds = now.tv_sec;
		if (pcap_dispatch(wire, 1024, handle, NULL) == 0)
			poll(&pollfd, 1, 100);
	}
}
