/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP: a request is read, routed and answered once; then the next one may come on the same
 * connection. An answer is a head (with the security headers that lws adds to every status line)
 * and a body, sent in pieces as the socket takes them.
 */
#include "shell.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES_MAX  3072u
#define PIECE_BYTES_MAX (32u << 10)

static void request_begin(struct connection *c)
{
    c->request = xcalloc(1, sizeof *c->request);
    c->request->close_after = c->gateway->service.leaving; /* the next one goes elsewhere */
}

static void request_end(struct connection *c)
{
    if (!c->request)
        return;
    api_forget(c);
    buf_free(&c->request->body);
    buf_free(&c->request->answer);
    free(c->request);
    c->request = NULL;
}

/* ---- answers -------------------------------------------------------------------------------- */

struct head {
    uint8_t room[HEAD_BYTES_MAX];
    uint8_t *at;
};

static void put(struct connection *c, struct head *h, const char *name, const char *value)
{
    if (lws_add_http_header_by_name(c->wsi, (const unsigned char *)name,
                                    (const unsigned char *)value, (int)strlen(value), &h->at,
                                    h->room + sizeof h->room))
        abort(); /* names and values are ours, and bounded */
}

static void head_begin(struct connection *c, struct head *h, unsigned status)
{
    h->at = h->room;
    if (lws_add_http_header_status(c->wsi, status, &h->at, h->room + sizeof h->room))
        abort();
    c->gateway->stats.http[status / 100 % 6]++;
}

static void head_end(struct connection *c, struct head *h)
{
    if (c->request->close_after)
        put(c, h, "connection:", "close");
    if (lws_finalize_http_header(c->wsi, &h->at, h->room + sizeof h->room))
        abort();
    buf_append(&c->request->answer, h->room, (size_t)(h->at - h->room));
    connection_phase(c, PHASE_ANSWER);
    lws_callback_on_writable(c->wsi);
}

static void put_length(struct connection *c, struct head *h, size_t len)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", len);
    put(c, h, "content-length:", text);
}

static bool is_head(struct connection *c)
{
    return lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
}

void http_answer_json(struct connection *c, unsigned status, const char *text, const char *extra,
                      const char *value)
{
    struct head h;
    bool no_body = is_head(c);
    head_begin(c, &h, status);
    put(c, &h, "content-type:", "application/json");
    put(c, &h, "cache-control:", "no-store");
    if (extra)
        put(c, &h, extra, value);
    put_length(c, &h, strlen(text));
    head_end(c, &h);
    if (!no_body)
        buf_append(&c->request->answer, text, strlen(text));
}

void http_answer_empty(struct connection *c, unsigned status)
{
    struct head h;
    head_begin(c, &h, status);
    head_end(c, &h);
}

static const char *error_code(unsigned status)
{
    static const struct {
        unsigned status;
        const char *code;
    } codes[] = {
        {400, "bad_request"},      {403, "forbidden"},       {404, "not_found"},
        {405, "wrong_method"},     {411, "length_required"}, {413, "too_long"},
        {426, "upgrade_required"}, {429, "too_many"},        {507, "boards_full"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status)
            return codes[i].code;
    return "unavailable";
}

static void answer_error(struct connection *c, unsigned status, const char *sentence,
                         const char *extra, const char *value)
{
    char text[256];
    /* Sentences are constants without anything to escape. */
    snprintf(text, sizeof text, "{\"error\":{\"code\":\"%s\",\"sentence\":\"%s\"}}\n",
             error_code(status), sentence);
    http_answer_json(c, status, text, extra, value);
}

void http_answer_error(struct connection *c, unsigned status, const char *sentence)
{
    answer_error(c, status, sentence, NULL, NULL);
}

void http_answer_too_many(struct connection *c, unsigned seconds)
{
    char text[16];
    snprintf(text, sizeof text, "%u", seconds);
    answer_error(c, 429, "Too many requests from this address.", "retry-after:", text);
}

/* Writes what comes next; true when that was the last of it. */
static int write_piece(struct connection *c, bool *ret_last)
{
    struct gateway *g = c->gateway;
    struct request *r = c->request;
    size_t len;
    uint8_t *piece = g->scratch + LWS_PRE;
    if (r->answered < r->answer.len) {
        size_t rest = r->answer.len - r->answered;
        len = rest < PIECE_BYTES_MAX ? rest : PIECE_BYTES_MAX;
        memcpy(piece, r->answer.data + r->answered, len);
    } else {
        size_t from = r->answered - r->answer.len, rest = r->file_body.len - from;
        len = rest < PIECE_BYTES_MAX ? rest : PIECE_BYTES_MAX;
        memcpy(piece, r->file_body.data + from, len);
    }
    r->answered += len;
    *ret_last = r->answered == r->answer.len + r->file_body.len;
    connection_phase(c, PHASE_ANSWER);
    return lws_write(c->wsi, piece, len, *ret_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
}

static int refuse(struct connection *c, unsigned status, const char *sentence, const char *extra,
                  const char *value)
{
    bool last;
    if (!c->request) /* an upgrade is refused */
        request_begin(c);
    c->request->close_after = true;
    answer_error(c, status, sentence, extra, value);
    if (!lws_partial_buffered(c->wsi))
        (void)write_piece(c, &last); /* one piece: errors are short */
    return -1;
}

int http_refuse(struct connection *c, unsigned status, const char *sentence)
{
    return refuse(c, status, sentence, NULL, NULL);
}

int http_writeable(struct connection *c)
{
    bool last = false;
    if (c->phase == PHASE_CLOSING)
        return -1;
    if (c->phase != PHASE_ANSWER)
        return 0;
    if (lws_send_pipe_choked(c->wsi)) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    if (write_piece(c, &last) < 0)
        return -1;
    if (!last) {
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    if (c->request->close_after)
        return -1;
    request_end(c);
    connection_phase(c, PHASE_REQUEST);
    return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

/* ---- files ---------------------------------------------------------------------------------- */

static void answer_file(struct connection *c, const struct web_file *f)
{
    char room[512];
    struct head h;
    struct span tags = connection_header(c, WSI_TOKEN_HTTP_IF_NONE_MATCH, room, sizeof room);
    bool same = tag_matches(tags, f->tag), no_body = same || is_head(c);
    struct span codings = connection_header(c, WSI_TOKEN_HTTP_ACCEPT_ENCODING, room, sizeof room);
    bool gzip = f->gzip.len > 0 && accepts_gzip(codings);
    struct span body = buf_span(gzip ? &f->gzip : &f->body);

    head_begin(c, &h, same ? 304 : 200);
    put(c, &h, "etag:", f->tag);
    put(c, &h, "cache-control:", f->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (f->gzip.len > 0)
        put(c, &h, "vary:", "accept-encoding");
    if (!same) {
        put(c, &h, "content-type:", f->type);
        if (gzip)
            put(c, &h, "content-encoding:", "gzip");
        put_length(c, &h, body.len);
    }
    head_end(c, &h);
    if (!no_body)
        c->request->file_body = body;
}

/* ---- requests ------------------------------------------------------------------------------- */

static enum method method_of(struct lws *wsi)
{
    if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0)
        return METHOD_GET;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0)
        return METHOD_HEAD;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0)
        return METHOD_POST;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_DELETE_URI) > 0)
        return METHOD_DELETE;
    return METHOD_OTHER;
}

/* Where links of this request lead: the public URL, or the host it came to. */
static bool keep_link_base(struct connection *c)
{
    static const char name[] = "x-forwarded-proto:";
    struct gateway *g = c->gateway;
    char host[256], proto[8] = "";
    if (g->settings.public_url[0] != '\0') {
        snprintf(c->request->link_base, sizeof c->request->link_base, "%s", g->settings.public_url);
        return true;
    }
    struct span s = connection_header(c, WSI_TOKEN_HOST, host, sizeof host);
    if (!host_valid(s))
        return false;
    if (networks_have(&g->trusted, &c->peer))
        lws_hdr_custom_copy(c->wsi, proto, sizeof proto, name, (int)strlen(name));
    snprintf(c->request->link_base, sizeof c->request->link_base, "%s://%.*s",
             strcmp(proto, "https") == 0 ? "https" : "http", (int)s.len, (const char *)s.data);
    return true;
}

/* What is wrong with its body's length; 0: nothing. */
static unsigned length_status(struct connection *c, enum method method)
{
    char room[32];
    size_t len = 0;
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return 411;
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
        return 0;
    struct span text = connection_header(c, WSI_TOKEN_HTTP_CONTENT_LENGTH, room, sizeof room);
    int r = content_length(text, method == METHOD_POST ? BODY_BYTES_MAX : 0, &len);
    return r == 0 ? 0 : text.len == 0 || r == -E2BIG ? 413 : 400;
}

static const char *length_sentence(unsigned status)
{
    return status == 411   ? "Send a Content-Length."
           : status == 413 ? "The body is too long."
                           : "The Content-Length is no number.";
}

static bool is_foreign(struct connection *c)
{
    const struct gateway_settings *s = &c->gateway->settings;
    char room[256], host_room[256];
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_ORIGIN) == 0)
        return false;
    struct span host = connection_header(c, WSI_TOKEN_HOST, host_room, sizeof host_room);
    struct span origin = connection_header(c, WSI_TOKEN_ORIGIN, room, sizeof room);
    return origin.len == 0 || !origin_allowed(origin, host, s->public_url, s->allowed_origins);
}

/* Whose request it is, for the limits. */
static void learn_address(struct connection *c)
{
    char room[512];
    if (c->counted)
        return;
    struct span list = connection_header(c, WSI_TOKEN_X_FORWARDED_FOR, room, sizeof room);
    c->address = client_address(&c->gateway->trusted, &c->peer, list);
}

static int start_api(struct connection *c, enum method method)
{
    if (is_foreign(c))
        return http_refuse(c, 403, "Pages of this origin may not do that.");
    if (!keep_link_base(c))
        return http_refuse(c, 400, "The Host header is missing or wrong.");
    learn_address(c);
    struct span header =
        connection_header(c, WSI_TOKEN_HTTP_AUTHORIZATION, c->request->authorization,
                          sizeof c->request->authorization);
    c->request->token = bearer_token(header);
    if (method == METHOD_POST && lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
        return 0; /* its body comes next, be it empty */
    /* A POST without a length has no body, but lws waits for one until the connection ends. */
    c->request->close_after |= method == METHOD_POST;
    api_request(c, method);
    return 0;
}

static int start(struct connection *c, enum method method)
{
    switch (c->request->route.kind) {
    case ROUTE_FILE: {
        const struct web_file *f =
            c->gateway->web ? web_find(c->gateway->web, c->request->route.file) : NULL;
        if (f)
            answer_file(c, f);
        else
            http_answer_error(c, 404, "There is nothing at this address.");
        return 0;
    }
    case ROUTE_NOTHING:
        if (method != METHOD_GET && method != METHOD_HEAD)
            return http_refuse(c, 404, "There is nothing at this address."); /* a body may come */
        http_answer_error(c, 404, "There is nothing at this address.");
        return 0;
    case ROUTE_SOCKET:
        answer_error(c, 426, "This address takes WebSockets only.", "upgrade:", "websocket");
        return 0;
    default:
        return start_api(c, method);
    }
}

int http_request(struct connection *c, struct span path)
{
    enum method method = method_of(c->wsi);
    if (c->phase != PHASE_REQUEST || c->request)
        return -1;
    request_begin(c);
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0); /* our sweep has its own */
    connection_phase(c, PHASE_REQUEST);
    c->request->route = route_of(path);
    if (c->request->route.kind != ROUTE_NOTHING && !(c->request->route.methods & method))
        return refuse(c, 405, "This address does not take that method.",
                      "allow:", methods_text(c->request->route.methods));
    unsigned status = length_status(c, method);
    if (status != 0)
        return http_refuse(c, status, length_sentence(status));
    return start(c, method);
}

int http_body(struct connection *c, const uint8_t *data, size_t len)
{
    if (!c->request || c->phase != PHASE_REQUEST)
        return -1; /* bytes that no answer waits for */
    if (len > BODY_BYTES_MAX - c->request->body.len)
        return http_refuse(c, 413, "The body is too long.");
    buf_append(&c->request->body, data, len);
    return 0;
}

int http_body_complete(struct connection *c)
{
    if (!c->request)
        return -1;
    api_request(c, METHOD_POST);
    return 0;
}

void http_closed(struct connection *c)
{
    request_end(c);
}
