/* A model server that costs almost nothing: one thread, epoll, answers prepared at start.
 *
 *   cc -O2 -o upstream upstream.c && ./upstream PORT
 *
 * A POST is answered as its JSON body asks, in fields that every gateway passes on:
 *   "stream": true    server-sent events: "max_tokens" of them (the first only names the role, the last only the finish
 *                     reason), then [DONE]
 *   "seed": MS        wait so long before the answer, and between events (0 to 4000)
 * A GET is answered with "ok".
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

enum { MOST_FDS = 65536, SLOTS = 4096, PIECE = 32768, WORDS = 16, MOST_WAITING = 256 * 1024 };

typedef struct conn {
  int fd, delay, armed;
  long events, left;                 /* of the stream; events 0: a plain answer */
  char *in, *out;                    /* what was read and not yet answered; what the socket did not take */
  size_t in_len, in_cap, out_len, out_off, out_cap;
  struct conn *next, **link;         /* in a slot of the timer wheel */
} conn;

typedef struct { char text[1024]; int len; } chunk;

static conn *conns[MOST_FDS], *wheel[SLOTS];
static long tick;
static int timers, epoll;
static chunk plain, role, words[WORDS], finish, done;

static const char SSE_HEAD[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
                               "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
static const char OK[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

static long milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void event(chunk *c, const char *delta, const char *reason) {
  char body[900];
  int n = snprintf(body, sizeof body,
                   "data: {\"id\":\"chatcmpl-BxYz0123456789abcdefghij\",\"object\":\"chat.completion.chunk\","
                   "\"created\":1760000000,\"model\":\"student-small\",\"choices\":[{\"index\":0,\"delta\":%s,"
                   "\"logprobs\":null,\"finish_reason\":%s}]}\n\n", delta, reason);
  c->len = snprintf(c->text, sizeof c->text, "%x\r\n%s\r\n", n, body);
}

static void prepare(void) {
  static const char *said[WORDS] = {"The", " customer", " was", " charged", " twice", " for", " one", " order", ";",
                                    " we", " refund", " the", " second", " payment", " this", " week"};
  const char *body = "{\"id\":\"chatcmpl-BxYz0123456789abcdefghij\",\"object\":\"chat.completion\","
    "\"created\":1760000000,\"model\":\"student-small\",\"choices\":[{\"index\":0,\"message\":{"
    "\"role\":\"assistant\",\"content\":"
    "\"{\\\"category\\\": \\\"billing\\\", \\\"priority\\\": \\\"high\\\", \\\"sentiment\\\": \\\"negative\\\", "
    "\\\"summary\\\": \\\"The customer was charged twice for the October invoice and asks for a refund of the second "
    "payment before the end of the week.\\\"}\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":312,\"completion_tokens\":48,\"total_tokens\":360}}";
  const char *head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s";
  plain.len = snprintf(plain.text, sizeof plain.text, head, strlen(body), body);
  event(&role, "{\"role\":\"assistant\",\"content\":\"\"}", "null");
  for (int i = 0; i < WORDS; i++) {
    char delta[64];
    snprintf(delta, sizeof delta, "{\"content\":\"%s\"}", said[i]);
    event(&words[i], delta, "null");
  }
  event(&finish, "{}", "\"stop\"");
  done.len = sprintf(done.text, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
}

static void disarm(conn *c) {
  if (!c->armed) return;
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  c->armed = 0;
  timers--;
}

static void arm(conn *c, int delay) {
  if (delay < 1) delay = 1;
  if (delay > SLOTS - 2) delay = SLOTS - 2;
  conn **slot = &wheel[(tick + delay) % SLOTS];
  c->next = *slot;
  if (*slot) (*slot)->link = &c->next;
  *slot = c;
  c->link = slot;
  c->armed = 1;
  timers++;
}

static void drop(conn *c) {
  disarm(c);
  close(c->fd);
  conns[c->fd] = NULL;
  free(c->in);
  free(c->out);
  free(c);
}

static void listen_for(conn *c, unsigned events) {
  struct epoll_event e = {events, {.fd = c->fd}};
  epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
}

static int flush(conn *c) {
  while (c->out_off < c->out_len) {
    ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return -1;
    if (n < 0) { listen_for(c, EPOLLIN | EPOLLOUT); return 0; }
    c->out_off += n;
  }
  c->out_off = c->out_len = 0;
  return 0;
}

static int put(conn *c, const char *text, size_t n) {
  if (c->out_off && c->out_len + n > c->out_cap) {
    memmove(c->out, c->out + c->out_off, c->out_len -= c->out_off);
    c->out_off = 0;
  }
  if (c->out_len + n > c->out_cap) c->out = realloc(c->out, c->out_cap = (c->out_len + n) * 2);
  memcpy(c->out + c->out_len, text, n);
  c->out_len += n;
  return flush(c);
}

/* Writes what is due: the plain answer, or events until one has to wait for its time or for a slow reader. */
static int answer(conn *c) {
  if (!c->events) return put(c, plain.text, plain.len);
  while (c->left > 0) {
    if (c->out_len - c->out_off > MOST_WAITING) { arm(c, 1); return 0; }
    chunk *next = c->left == c->events ? &role : c->left == 1 ? &finish : &words[c->left % WORDS];
    c->left--;
    if (put(c, next->text, next->len)) return -1;
    if (c->delay) { arm(c, c->delay); return 0; }
  }
  return put(c, done.text, done.len);
}

static long number(const char *body, size_t n, const char *key, long otherwise) {
  const char *at = memmem(body, n, key, strlen(key));
  if (!at) return otherwise;
  at += strlen(key);
  at += strspn(at, " :");
  return *at == 't' ? 1 : strtol(at, NULL, 10);
}

static int request(conn *c, const char *body, size_t n) {
  c->delay = number(body, n, "\"seed\"", 0);
  /* "_tokens": some gateways rename max_tokens to max_completion_tokens */
  c->events = number(body, n, "\"stream\"", 0) ? number(body, n, "_tokens\"", 20) : 0;
  c->left = c->events;
  if (c->events && put(c, SSE_HEAD, sizeof SSE_HEAD - 1)) return -1;
  if (c->delay) { arm(c, c->delay); return 0; }
  return answer(c);
}

static int readable(conn *c) {
  for (ssize_t n = PIECE; n == PIECE;) {
    if (c->in_cap - c->in_len <= PIECE) c->in = realloc(c->in, c->in_cap = c->in_cap ? c->in_cap * 2 : 2 * PIECE);
    n = recv(c->fd, c->in + c->in_len, PIECE, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return -1;
    if (n > 0) c->in_len += n;
  }
  c->in[c->in_len] = 0;
  char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
  if (!end) return 0;
  if (c->in[0] == 'G') { c->in_len = 0; return put(c, OK, sizeof OK - 1); }
  size_t head = end + 4 - c->in;
  *end = 0;
  char *length = strcasestr(c->in, "\r\ncontent-length:");
  *end = '\r';
  size_t whole = length ? head + strtoul(length + 17, NULL, 10) : c->in_len;
  if (c->in_len < whole) return 0;
  if (!length && memcmp(c->in + c->in_len - 5, "0\r\n\r\n", 5)) return 0;
  int result = request(c, c->in + head, whole - head);
  memmove(c->in, c->in + whole, c->in_len - whole);
  c->in_len -= whole;
  return result;
}

static void accept_all(int listener) {
  int one = 1;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conns[fd] = calloc(1, sizeof(conn));
    conns[fd]->fd = fd;
    struct epoll_event e = {EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  }
}

static void serve(conn *c, unsigned events) {
  if (events & EPOLLOUT) {
    if (flush(c)) { drop(c); return; }
    if (!c->out_len) listen_for(c, EPOLLIN);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && readable(c)) drop(c);
}

static void ring(void) {
  for (long now = milliseconds(); tick < now;) {
    conn *list = wheel[++tick % SLOTS];
    wheel[tick % SLOTS] = NULL;
    if (list) list->link = &list;
    for (conn *c; (c = list);) {
      disarm(c);
      if (answer(c)) drop(c);
    }
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max < MOST_FDS ? files.rlim_max : MOST_FDS;
  setrlimit(RLIMIT_NOFILE, &files);
  prepare();
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 9001),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&at, sizeof at) || listen(listener, 8192)) { perror("upstream"); return 1; }
  epoll = epoll_create1(0);
  struct epoll_event ready[512], e = {EPOLLIN, {.fd = listener}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
  for (tick = milliseconds();;) {
    int n = epoll_wait(epoll, ready, 512, timers ? 1 : -1);
    if (!timers) tick = milliseconds();
    for (int i = 0; i < n; i++) {
      int fd = ready[i].data.fd;
      if (fd == listener) accept_all(listener);
      else if (conns[fd]) serve(conns[fd], ready[i].events);
    }
    ring();
  }
}
