/* Traffic of a busy day: an open loop at a fixed rate, no two requests alike, some of them streamed.
 *
 *   cc -O2 -o traffic traffic.c
 *   ./traffic -p PORT -r RATE -d SECONDS -s SHARE_STREAMED [-c CONNECTIONS] [-e EVERY]
 *
 * Every request has a user, an order number and a text of its own, 1 to 2 KB in all.  Latency counts from the time at
 * which a request was due.  Prints one JSON line every EVERY seconds: what was sent and what finished in between, good
 * or not, and latencies in ms of plain requests (those of streams are the model's pace).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "../overhead/load/reply.h"

enum { SIZE = 4096, PACE_MS = 20, EVENTS = 20, LEAST_WORDS = 60, MORE_WORDS = 160, DRAIN_S = 10 };

typedef struct {
  int fd, connecting, busy, streamed;
  size_t length, sent;
  double due;
  char request[SIZE];
  reply reply;
} conn;

static const char *WORDS[] = {
  "hello", "please", "refund", "order", "parcel", "payment", "twice", "charged", "bank", "statement", "monday",
  "address", "delivery", "late", "broken", "screen", "cable", "box", "wet", "door", "courier", "again", "cancel",
  "subscription", "account", "password", "reset", "email", "discount", "returning", "customer", "invoice", "number",
  "wrong", "size", "colour", "exchange", "store", "credit", "gift", "card", "expired", "code", "website", "error",
  "checkout", "basket", "empty", "shipping", "costs", "abroad", "customs", "receipt", "warranty", "repair",
  "replacement", "manual", "battery", "charger", "missing", "thanks", "today", "tomorrow", "yesterday", "week",
  "month", "was", "is", "not", "and", "the", "my"};

static struct sockaddr_in server;
static conn *conns;
static int epoll, *idle, idles, oldest, most = 1024;   /* idle: a ring, else some would rest until closed */
static long sent, plain, streams, bad, failed, serial, measured, room;
static float *latency;
static double streamed_share;
static unsigned long long state = 88172645463325252ULL;

static unsigned draw(unsigned below) {   /* xorshift64 (Marsaglia 2003) */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 33) % below;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void listen_for(int i, int operation, unsigned what) {
  struct epoll_event e = {what, {.u32 = i}};
  epoll_ctl(epoll, operation, conns[i].fd, &e);
}

static void open_connection(int i) {
  int one = 1;
  conn *c = &conns[i];
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  c->busy = 0;
  c->connecting = 1;
  if (c->fd < 0 || (connect(c->fd, (void *)&server, sizeof server) && errno != EINPROGRESS)) die("connect");
  listen_for(i, EPOLL_CTL_ADD, EPOLLOUT);
}

static void reopen(int i) {
  close(conns[i].fd);
  open_connection(i);
}

static void rest(int i) { idle[(oldest + idles++) % most] = i; }

static int wake(void) {
  int i = idle[oldest];
  oldest = (oldest + 1) % most;
  idles--;
  return i;
}

static void compose(conn *c) {
  char body[SIZE - 512];
  int words = LEAST_WORDS + draw(MORE_WORDS);
  c->streamed = draw(1000000) < streamed_share * 1e6;
  int n = sprintf(body, "{\"model\":\"student-small\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a "
                        "support-ticket classifier. Read the ticket and answer with one JSON object.\"},"
                        "{\"role\":\"user\",\"content\":\"order %ld:", ++serial);
  for (int i = 0; i < words; i++) n += sprintf(body + n, " %s", WORDS[draw(sizeof WORDS / sizeof *WORDS)]);
  n += sprintf(body + n, "\"}],\"temperature\":0,\"max_tokens\":%d,\"seed\":%d,\"user\":\"user-%ld\"%s}", EVENTS,
               PACE_MS, serial, c->streamed ? ",\"stream\":true" : "");
  c->length = sprintf(c->request, "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
                                  "content-type: application/json\r\ncontent-length: %d\r\n\r\n%s", n, body);
}

static void write_on(int i) {
  conn *c = &conns[i];
  ssize_t n = send(c->fd, c->request + c->sent, c->length - c->sent, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) { failed++; reopen(i); return; }
  c->sent += n > 0 ? n : 0;
  listen_for(i, EPOLL_CTL_MOD, c->sent < c->length ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void ask(int i, double due) {
  conn *c = &conns[i];
  compose(c);
  c->busy = 1;
  c->sent = 0;
  c->due = due;
  reply_begin(&c->reply);
  sent++;
  write_on(i);
}

static void finish(int i) {
  conn *c = &conns[i];
  const char *problem;
  if (!reply_good(&c->reply, &problem)) {
    if (!bad++) fprintf(stderr, "%s: %.1500s\n", problem, c->reply.head);
  } else if (c->streamed) {
    streams++;
  } else {
    plain++;
    if (measured == room) latency = realloc(latency, (room = room ? room * 2 : 65536) * sizeof *latency);
    latency[measured++] = now() - c->due;
  }
  c->busy = 0;
  if (c->reply.last) reopen(i);
  else rest(i);
}

static void lost(int i) {
  failed += conns[i].busy;
  for (int k = idles; k > 0; k--) {   /* all go round once, this one stays out */
    int other = wake();
    if (other != i) rest(other);
  }
  reopen(i);
}

static void readable(int i) {
  static char piece[65536];
  conn *c = &conns[i];
  for (ssize_t n = sizeof piece; n == sizeof piece;) {
    n = recv(c->fd, piece, sizeof piece, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { lost(i); return; }
    reply_read(&c->reply, piece, n);
    if (c->busy && reply_whole(&c->reply)) { finish(i); return; }
  }
}

static void ready(int i, unsigned what) {
  conn *c = &conns[i];
  if (!c->connecting) {
    if (what & EPOLLOUT) write_on(i);
    if (what & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(i);
    return;
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    if (++failed > 20000) { fprintf(stderr, "no connection: %s\n", strerror(error)); exit(1); }
    usleep(1000);
    reopen(i);
    return;
  }
  c->connecting = 0;
  rest(i);
  listen_for(i, EPOLL_CTL_MOD, EPOLLIN);
}

static int by_size(const void *a, const void *b) { return (*(float *)a > *(float *)b) - (*(float *)a < *(float *)b); }

static double at(double share) { return measured ? latency[(long)((measured - 1) * share)] * 1e3 : 0; }

static void report(void) {
  qsort(latency, measured, sizeof *latency, by_size);
  printf("{\"sent\":%ld,\"plain\":%ld,\"streams\":%ld,\"bad\":%ld,\"failed\":%ld,"
         "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"longest_ms\":%.3f}\n",
         sent, plain, streams, bad, failed, at(.5), at(.99), at(1));
  sent = plain = streams = bad = failed = measured = 0;
}

int main(int argc, char **argv) {
  int port = 8000, busy = 1;
  double rate = 100, seconds = 10, every = 5;
  for (int o; (o = getopt(argc, argv, "p:r:d:s:c:e:")) > 0;) {
    if (o == 'p') port = atoi(optarg);
    if (o == 'r') rate = atof(optarg);
    if (o == 'd') seconds = atof(optarg);
    if (o == 's') streamed_share = atof(optarg);
    if (o == 'c') most = atoi(optarg);
    if (o == 'e') every = atof(optarg);
  }
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  epoll = epoll_create1(0);
  conns = calloc(most, sizeof *conns);
  idle = calloc(most, sizeof *idle);
  for (int i = 0; i < most; i++) open_connection(i);
  static struct epoll_event found[512];
  double start = now(), next = start + every, t;
  for (long due = 1; (t = now()) < start + seconds || (busy && t < start + seconds + DRAIN_S);) {
    if (t >= next && t < start + seconds) { report(); next += every; }
    for (; t < start + seconds && idles && start + due / rate <= t; due++) ask(wake(), start + due / rate);
    double wait = idles && t < start + seconds ? start + due / rate - now() : .005;
    struct timespec nap = {0, wait < 0 ? 0 : (wait > .005 ? .005 : wait) * 1e9};
    int n = epoll_pwait2(epoll, found, 512, &nap, NULL);
    for (int k = 0; k < n; k++) ready(found[k].data.u32, found[k].events);
    busy = 0;
    if (t >= start + seconds) for (int i = 0; i < most; i++) busy += conns[i].busy;
    else busy = 1;
  }
  failed += busy;
  report();
  return 0;
}
