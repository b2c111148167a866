/* HTTP/1.1 load: a closed loop (each connection sends as soon as it has its answer), or an open loop at a fixed rate.
 *
 *   cc -O2 -o client client.c
 *   ./client -p PORT -u PATH -b BODYFILE [-H 'name: value'] -c CONNECTIONS -d SECONDS
 *            [-w WARMUP] [-g RAMP] [-r RATE] [-n LEAST]
 *
 * Open loop: latency counts from the time at which a request was due, so a server that stalls cannot hide it by slowing
 * the client down.  Closed loop: connections open evenly over RAMP seconds, else paced streams would tick in step.
 * The window lasts up to LONGEST times longer, until LEAST requests or events are done: slow servers answer in bursts.
 * Prints "begin OPEN" when the warm-up ends (OPEN: answers that are under way), "end" when the window does, so that the
 * caller can read CPU times at the same moments, then one JSON line: what finished in between, and latencies in ms.
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
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "reply.h"

enum { MOST_FDS = 65536, DRAIN_S = 5, LONGEST = 10 };

typedef struct {
  int fd, connecting, busy;
  size_t sent;
  double due;
  reply reply;
} conn;

static struct sockaddr_in server;
static int epoll, most = 64, opened, *idle, idles;
static conn *conns;
static char *request;
static size_t request_len;
static float *latency;
static long measured, room, finished, events, bad, failed, sent;
static double begin_s, end_s;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void listen_for(int i, int operation, unsigned what) {
  struct epoll_event e = {what, {.u32 = i}};
  epoll_ctl(epoll, operation, conns[i].fd, &e);
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void open_connection(int i) {
  conn *c = &conns[i];
  int one = 1;
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

static void write_on(int i) {
  conn *c = &conns[i];
  ssize_t n = send(c->fd, request + c->sent, request_len - c->sent, MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) { failed++; reopen(i); return; }
  c->sent += n > 0 ? n : 0;
  listen_for(i, EPOLL_CTL_MOD, c->sent < request_len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void ask(int i, double due) {
  conns[i].busy = 1;
  conns[i].sent = 0;
  conns[i].due = due;
  reply_begin(&conns[i].reply);
  sent++;
  write_on(i);
}

static void finish(int i) {
  conn *c = &conns[i];
  const char *problem;
  double t = now();
  if (!reply_good(&c->reply, &problem)) {
    if (!bad++) fprintf(stderr, "%s: %.1500s\n", problem, c->reply.head);
  } else {
    finished += t >= begin_s && t < end_s;
    if (c->due >= begin_s && c->due < end_s) {
      if (measured == room) latency = realloc(latency, (room = room ? room * 2 : 65536) * sizeof *latency);
      latency[measured++] = t - c->due;
    }
  }
  c->busy = 0;
  if (c->reply.last) reopen(i);
  else idle[idles++] = i;
}

static void lost(int i) {
  conn *c = &conns[i];
  if (c->busy && c->reply.body_at && !c->reply.chunked && c->reply.length < 0) {   /* closing is how this body ends */
    c->reply.last = 1;
    finish(i);
    return;
  }
  if (c->busy) failed++;
  for (int k = 0; k < idles; k++) if (idle[k] == i) { idle[k] = idle[--idles]; break; }
  reopen(i);
}

static void readable(int i) {
  static char piece[65536];
  conn *c = &conns[i];
  for (ssize_t n = sizeof piece; n == sizeof piece;) {
    n = recv(c->fd, piece, sizeof piece, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { lost(i); return; }
    events += reply_read(&c->reply, piece, n);
    if (reply_whole(&c->reply)) { finish(i); return; }
  }
}

static void ready(int i, unsigned what) {
  conn *c = &conns[i];
  int error = 0;
  socklen_t size = sizeof error;
  if (!c->connecting) {
    if (what & EPOLLOUT) write_on(i);
    if (what & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(i);
    return;
  }
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    if (++failed > 20000) { fprintf(stderr, "no connection: %s\n", strerror(error)); exit(1); }
    usleep(1000);
    reopen(i);
    return;
  }
  c->connecting = 0;
  idle[idles++] = i;
  listen_for(i, EPOLL_CTL_MOD, EPOLLIN);
}

static int busy(int answering) {
  int found = 0;
  for (int i = 0; i < opened; i++) found += conns[i].busy && (!answering || conns[i].reply.status == 200);
  return found;
}

static int by_size(const void *a, const void *b) { return (*(float *)a > *(float *)b) - (*(float *)a < *(float *)b); }

static double at(double share) { return measured ? latency[(long)((measured - 1) * share)] * 1e3 : 0; }

static void report(double seconds, long done, long seen) {
  qsort(latency, measured, sizeof *latency, by_size);
  printf("{\"seconds\":%.4f,\"finished\":%ld,\"events\":%ld,\"bad\":%ld,\"failed\":%ld,"
         "\"p50_ms\":%.4f,\"p99_ms\":%.4f}\n",
         seconds, done, seen, bad, failed, at(.5), at(.99));
}

static void run(double start, double ramp, double rate, long least) {
  double t, began = 0, ended = 0, latest = begin_s + LONGEST * (end_s - begin_s);
  long seen = 0, done = 0;
  static struct epoll_event found[512];
  while (!ended || (rate > 0 && busy(0) && now() < end_s + DRAIN_S)) {
    t = now();
    if (!began && t >= begin_s) { began = t; seen = events; printf("begin %d\n", busy(1)); }
    if (t >= end_s && !ended && t < latest && finished + events - seen < least) end_s = t + .05;
    if (began && !ended && t >= end_s) { ended = t; seen = events - seen; done = finished; puts("end"); continue; }
    while (opened < most && opened <= most * (ramp > 0 ? (t - start) / ramp : 1)) open_connection(opened++);
    double due = rate > 0 ? start + (sent + 1) / rate : t;
    for (; !ended && idles && due <= t; due = rate > 0 ? start + (sent + 1) / rate : t) ask(idle[--idles], due);
    double wait = opened < most ? .001 : rate > 0 && idles && !ended ? due - now() : .01;
    struct timespec nap = {0, wait < 0 ? 0 : (wait > .01 ? .01 : wait) * 1e9};
    int n = epoll_pwait2(epoll, found, 512, &nap, NULL);   /* milliseconds are too coarse for an open loop */
    for (int k = 0; k < n; k++) ready(found[k].data.u32, found[k].events);
  }
  report(ended - began, done, seen);
}

static void compose(const char *path, const char *file, const char *headers, int port) {
  FILE *f = fopen(file, "rb");
  if (!f) die(file);
  char *text = malloc(1 << 20);
  size_t n = fread(text, 1, 1 << 20, f);
  fclose(f);
  request = malloc(n + 8192);
  const char *format = "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nuser-agent: OpenAI/Python 3.54.0\r\n"
                       "accept: application/json\r\ncontent-type: application/json\r\n%scontent-length: %zu\r\n\r\n";
  request_len = sprintf(request, format, path, port, headers, n);
  memcpy(request + request_len, text, n);
  request_len += n;
  free(text);
}

int main(int argc, char **argv) {
  int port = 8000;
  const char *path = "/v1/chat/completions", *file = "body.json";
  char headers[4096] = "";
  double seconds = 5, warm = 1, ramp = 0, rate = 0;
  long least = 0;
  for (int o; (o = getopt(argc, argv, "p:u:b:H:c:d:w:g:r:n:")) > 0;) {
    if (o == 'p') port = atoi(optarg);
    if (o == 'u') path = optarg;
    if (o == 'b') file = optarg;
    if (o == 'H') strcat(strcat(headers, optarg), "\r\n");
    if (o == 'c') most = atoi(optarg);
    if (o == 'd') seconds = atof(optarg);
    if (o == 'w') warm = atof(optarg);
    if (o == 'g') ramp = atof(optarg);
    if (o == 'r') rate = atof(optarg);
    if (o == 'n') least = atol(optarg);
  }
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max < MOST_FDS ? files.rlim_max : MOST_FDS;
  setrlimit(RLIMIT_NOFILE, &files);
  compose(path, file, headers, port);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  epoll = epoll_create1(0);
  conns = calloc(most, sizeof *conns);
  idle = calloc(most + 1, sizeof *idle);
  double start = now();
  begin_s = start + warm;
  end_s = begin_s + seconds;
  run(start, ramp, rate, least);
  return 0;
}
