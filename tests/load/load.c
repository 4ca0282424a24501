/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives boards with people over real WebSockets, counts what reaches whom, and how fast.
 *
 *   load --gateway PORT [--gateway PORT...] [options]    one or more gateways of this machine
 *   load --relay PORT [options]                          the bare relay, as a yardstick
 *
 * Prints a table to stderr and one line of JSON to stdout. Exits 1 when anything was lost, repeated
 * or out of order, a connection closed, or the run could not be made; 2 on a wrong option.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "goers.h"
#include "make_boards.h"
#include "report.h"

#define CONNECTING_MAX  256u /* members on their way in at a time */
#define COME_IN_SECONDS 120u
#define SECOND          UINT64_C(1000000000)

struct options {
    uint64_t boards, members, rate, seconds, warm_up, drain, points;
    uint64_t stalled, stall_seconds, owners, reloaders;
    const char *label, *links;
};

struct run {
    struct options o;
    struct crowd crowd;
    struct report report;
    unsigned started;                      /* members whose connection was begun */
    uint64_t begin_ns, frames_due, end_ns; /* of drawing */
};

/* ---- options --------------------------------------------------------------------------------- */

static const char USAGE[] =
    "load --gateway PORT | --relay PORT, and\n"
    "  --boards 20 --members 10 --rate 20   frames a second of each board's drawer\n"
    "  --seconds 10 --warm-up 2             drawing that is measured; before it\n"
    "  --drain 10                           longest wait for what is on its way at the end\n"
    "  --points 4                           in each frame\n"
    "  --pid NAME=PID                       measure this process (several may share a name)\n"
    "  --stall 0 --stall-seconds 20         so many viewers do not read from the warm-up's end on\n"
    "  --owners 0                           so many boards have an owner whose line breaks for 7 "
    "s\n"
    "  --reloaders 0                        and so many a viewer who reloads, again and again\n"
    "  --links FILE                         written when everybody is there: code and links of "
    "each\n"
    "  --label TEXT                         for the report\n";

static void refuse(const char *what)
{
    fprintf(stderr, "load: %s\n%s", what, USAGE);
    exit(2);
}

/* What this machine does not give us: no fault of those who are measured. */
static void fail(const char *what, int error)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(-error));
    exit(1);
}

static uint64_t number(const char *text, uint64_t low, uint64_t high)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value < low || value > high)
        refuse("a number is out of its range");
    return value;
}

static void add_port(struct crowd *c, const char *text)
{
    if (c->port_count == PORTS_MAX)
        refuse("too many gateways");
    c->ports[c->port_count++] = (uint16_t)number(text, 1, 65535);
}

static void add_process(struct report *r, char *text)
{
    char *pid = strchr(text, '=');
    if (pid == NULL)
        refuse("--pid wants NAME=PID");
    *pid = '\0';
    if (report_add_process(r, text, (pid_t)number(pid + 1, 1, 1 << 30)) < 0)
        refuse("too many processes, or a process that is not there");
}

enum option_code {
    GATEWAY = 256,
    RELAY,
    BOARDS,
    MEMBERS,
    RATE,
    SECONDS,
    WARM_UP,
    DRAIN,
    POINTS,
    PID,
    STALL,
    STALL_SECONDS,
    OWNERS,
    RELOADERS,
    LINKS,
    LABEL,
    HELP
};

static const struct option OPTIONS[] = {
    {"gateway", 1, NULL, GATEWAY}, {"relay", 1, NULL, RELAY},
    {"boards", 1, NULL, BOARDS},   {"members", 1, NULL, MEMBERS},
    {"rate", 1, NULL, RATE},       {"seconds", 1, NULL, SECONDS},
    {"warm-up", 1, NULL, WARM_UP}, {"drain", 1, NULL, DRAIN},
    {"points", 1, NULL, POINTS},   {"pid", 1, NULL, PID},
    {"stall", 1, NULL, STALL},     {"stall-seconds", 1, NULL, STALL_SECONDS},
    {"owners", 1, NULL, OWNERS},   {"reloaders", 1, NULL, RELOADERS},
    {"links", 1, NULL, LINKS},     {"label", 1, NULL, LABEL},
    {"help", 0, NULL, HELP},       {0},
};

static void take_option(struct run *run, int code)
{
    struct options *o = &run->o;
    switch (code) {
    case GATEWAY:
    case RELAY:
        run->crowd.relay = code == RELAY;
        add_port(&run->crowd, optarg);
        break;
    case BOARDS:
        o->boards = number(optarg, 1, 5000);
        break;
    case MEMBERS:
        o->members = number(optarg, 2, 100);
        break;
    case RATE:
        o->rate = number(optarg, 1, 60);
        break;
    case SECONDS:
        o->seconds = number(optarg, 1, 3600);
        break;
    case WARM_UP:
        o->warm_up = number(optarg, 0, 3600);
        break;
    case DRAIN:
        o->drain = number(optarg, 1, 120);
        break;
    case POINTS:
        o->points = number(optarg, 1, 1024);
        break;
    case PID:
        add_process(&run->report, optarg);
        break;
    case STALL:
        o->stalled = number(optarg, 0, 5000);
        break;
    case STALL_SECONDS:
        o->stall_seconds = number(optarg, 1, 600);
        break;
    case OWNERS:
        o->owners = number(optarg, 0, 5000);
        break;
    case RELOADERS:
        o->reloaders = number(optarg, 0, 5000);
        break;
    case LINKS:
        o->links = optarg;
        break;
    case LABEL:
        o->label = optarg;
        break;
    case HELP:
        printf("%s", USAGE);
        exit(0);
    default:
        refuse("unknown option");
    }
}

static void read_options(struct run *run, int argc, char **argv)
{
    run->o = (struct options){.boards = 20,
                              .members = 10,
                              .rate = 20,
                              .seconds = 10,
                              .warm_up = 2,
                              .drain = 10,
                              .points = 4,
                              .stall_seconds = 20,
                              .label = ""};
    for (int code; (code = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        take_option(run, code);
    if (optind < argc || run->crowd.port_count == 0)
        refuse("where to connect to is missing, or there is a word too many");
    if (run->o.stalled > run->o.boards)
        refuse("at most one viewer of each board stalls");
    if (run->o.owners > 0 && run->o.stalled > 0)
        refuse("the last seat is an owner's, or one that stalls");
    if (run->o.stalled > 0 && run->o.stall_seconds > run->o.seconds)
        refuse("who stalls must be back before the end");
}

/* ---- the crowd comes in ---------------------------------------------------------------------- */

static void seat_everybody(struct run *run)
{
    const struct options *o = &run->o;
    struct seating s = {(unsigned)o->boards, (unsigned)o->members, (unsigned)o->owners,
                        (unsigned)o->reloaders, (unsigned)o->stalled};
    run->crowd.points = (unsigned)o->points;
    crowd_seat(&run->crowd, &s);
}

static void turn(struct run *run, int timeout_ms)
{
    struct epoll_event events[256];
    int n = epoll_wait(run->crowd.epoll, events, 256, timeout_ms);
    for (int i = 0; i < n; i++)
        ws_client_turn(events[i].data.ptr, events[i].events, &MEMBER);
}

static int come_in(struct run *run)
{
    struct crowd *c = &run->crowd;
    unsigned everybody = c->board_count * c->members_each;
    uint64_t begin = now_ns();
    while (c->welcome < everybody) {
        while (run->started < everybody && run->started - c->welcome < CONNECTING_MAX) {
            int r = crowd_start(c, run->started);
            if (r < 0)
                return r;
            run->started++;
        }
        turn(run, 100);
        if (c->tally.closed > 0)
            return -ECONNRESET;
        run->report.come_in_ns = now_ns() - begin;
        if (run->report.come_in_ns > COME_IN_SECONDS * SECOND)
            return -ETIMEDOUT;
    }
    return 0;
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* The boards draw in turn, evenly spread in time. Frames that are late are sent late, not left out;
 * how late is measured too, since then it is this client that is too slow. */
static uint64_t due_ns(const struct run *run, uint64_t frame)
{
    return run->begin_ns + frame * SECOND / (run->o.boards * run->o.rate);
}

static void draw_what_is_due(struct run *run)
{
    uint64_t now = now_ns();
    for (uint64_t due; (due = due_ns(run, run->frames_due)) <= now && due < run->end_ns;) {
        draw(&run->crowd.boards[run->frames_due % run->o.boards]);
        histogram_add(&run->report.late, (now - due) / 1000);
        run->frames_due++;
    }
}

static void go(struct run *run)
{
    int r = goers_step(&run->crowd, now_ns());
    if (r < 0)
        fail("cannot connect again", r);
}

/* Sleeps to the next frame, in nanoseconds: epoll_wait counts in milliseconds only. */
static void draw_until(struct run *run, uint64_t until_ns)
{
    struct epoll_event events[256];
    for (uint64_t now; (now = now_ns()) < until_ns;) {
        uint64_t due = due_ns(run, run->frames_due);
        uint64_t next = due < until_ns ? due : until_ns;
        uint64_t wait = next > now ? next - now : 0;
        struct timespec timeout = {(time_t)(wait / SECOND), (long)(wait % SECOND)};
        int n = epoll_pwait2(run->crowd.epoll, events, 256, &timeout, NULL);
        for (int i = 0; i < n; i++)
            ws_client_turn(events[i].data.ptr, events[i].events, &MEMBER);
        draw_what_is_due(run);
        go(run);
    }
}

static void let_read(struct run *run, bool reading)
{
    for (unsigned i = 0; i < run->started; i++)
        if (run->crowd.members[i].stalled)
            ws_client_read(&run->crowd.members[i].ws, reading);
}

static void draw_all(struct run *run)
{
    struct options *o = &run->o;
    run->begin_ns = now_ns();
    uint64_t measure_ns = run->begin_ns + o->warm_up * SECOND;
    run->end_ns = measure_ns + o->seconds * SECOND;
    draw_until(run, measure_ns);
    run->crowd.measuring = true;
    report_begin(&run->report, &run->crowd);
    if (o->stalled > 0) {
        let_read(run, false);
        draw_until(run, measure_ns + o->stall_seconds * SECOND);
        report_stalled(&run->report);
        let_read(run, true);
    }
    draw_until(run, run->end_ns);
    report_end(&run->report, &run->crowd);
}

/* Waits for what is on its way. What has not come then is lost. */
static void drain(struct run *run)
{
    uint64_t deadline = now_ns() + run->o.drain * SECOND;
    uint64_t missing;
    int r = goers_gather(&run->crowd);
    if (r < 0)
        fail("cannot connect again", r);
    while ((missing = crowd_missing(&run->crowd)) > 0 && now_ns() < deadline)
        turn(run, 20);
    run->crowd.tally.lost += missing;
}

static void go_home(struct run *run)
{
    for (unsigned i = 0; i < run->started; i++)
        ws_client_finish(&run->crowd.members[i].ws);
    close(run->crowd.epoll);
    free(run->crowd.members);
    free(run->crowd.boards);
}

/* ---- main ------------------------------------------------------------------------------------ */

static int run_load(struct run *run)
{
    int r = 0;
    run->crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run->crowd.epoll < 0)
        return -errno;
    seat_everybody(run);
    if (!run->crowd.relay)
        r = make_boards(run->crowd.boards, run->crowd.board_count, run->crowd.ports[0]);
    if (r == 0)
        r = come_in(run);
    if (r == 0 && run->o.links != NULL)
        r = write_links(run->crowd.boards, run->crowd.board_count, run->o.links);
    if (r == 0) {
        draw_all(run);
        drain(run);
    }
    return r;
}

static void allow_many_sockets(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    static struct run run;
    report_add_process(&run.report, "load", getpid());
    read_options(&run, argc, argv);
    allow_many_sockets();
    srandom((unsigned)(now_ns() / 1000) ^ (unsigned)getpid());
    int r = run_load(&run);
    if (r < 0)
        fprintf(stderr, "load: %u of %" PRIu64 " people came in: %s\n", run.crowd.welcome,
                run.o.boards * run.o.members, strerror(-r));
    else
        report_print(&run.report, &run.crowd, run.o.label, run.o.rate);
    bool failed = r < 0 || report_failed(&run.crowd);
    go_home(&run);
    return failed;
}
