/* Reads one HTTP answer as it comes: status, length or chunks, and how many server-sent events went by. */
#include <stdlib.h>
#include <string.h>

enum { TAIL = 32, MARK = 7 };

typedef struct {
  int status, chunked, stream, last;    /* last: the server closes after this answer */
  long length, got;
  size_t head_len, body_at;             /* body_at 0: the head is not complete */
  char head[8192], tail[TAIL];          /* tail: the last bytes of the body */
} reply;

static void reply_begin(reply *r) {
  r->status = r->chunked = r->stream = r->last = r->got = 0;
  r->head_len = r->body_at = 0;
  r->length = -1;
  memset(r->tail, 0, TAIL);
}

static long reply_count(const char *text, size_t n) {
  long found = 0;
  for (const char *at = text; (at = memmem(at, text + n - at, "data: {", MARK)); at += MARK) found++;
  return found;
}

/* Returns the events that became complete enough to count. */
static long reply_body(reply *r, const char *text, size_t n) {
  r->got += n;
  if (!n) return 0;
  char seam[2 * (MARK - 1)];            /* a mark that lies across two pieces */
  size_t right = n < MARK - 1 ? n : MARK - 1, kept = n < TAIL ? n : TAIL;
  memcpy(seam, r->tail + TAIL - (MARK - 1), MARK - 1);
  memcpy(seam + MARK - 1, text, right);
  long found = r->stream ? reply_count(seam, MARK - 1 + right) + reply_count(text, n) : 0;
  memmove(r->tail, r->tail + kept, TAIL - kept);
  memcpy(r->tail + TAIL - kept, text + n - kept, kept);
  return found;
}

static long reply_read(reply *r, const char *text, size_t n) {
  if (r->body_at) return reply_body(r, text, n);
  size_t before = r->head_len, left = sizeof r->head - 1 - before, kept = n < left ? n : left;
  memcpy(r->head + before, text, kept);
  r->head_len += kept;
  r->head[r->head_len] = 0;
  char *end = strstr(r->head, "\r\n\r\n"), *length;
  if (!end) return 0;
  r->body_at = end + 4 - r->head;
  r->status = atoi(r->head + 9);
  *end = 0;
  if ((length = strcasestr(r->head, "\r\ncontent-length:"))) r->length = atol(length + 17);
  r->chunked = strcasestr(r->head, "\r\ntransfer-encoding: chunked") != NULL;
  r->stream = strcasestr(r->head, "text/event-stream") != NULL;
  r->last = strcasestr(r->head, "\r\nconnection: close") != NULL;
  *end = '\r';
  size_t offset = r->body_at - before;
  return reply_body(r, text + offset, n - offset);
}

static int reply_whole(const reply *r) {
  if (!r->body_at) return 0;
  return r->chunked ? !memcmp(r->tail + TAIL - 5, "0\r\n\r\n", 5) : r->length >= 0 && r->got >= r->length;
}

/* A good answer; what is wrong with it goes to `problem`. */
static int reply_good(const reply *r, const char **problem) {
  *problem = r->status != 200 ? "status" : r->stream && !memmem(r->tail, TAIL, "[DONE]", 6) ? "no [DONE]" : NULL;
  return !*problem;
}
