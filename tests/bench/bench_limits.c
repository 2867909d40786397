/* Constrained optima of networks with four branches, timed (CPU time, one core), and written for
 * glpsol to solve:
 *
 *     bench_limits DIRECTORY N SEEDS TIGHTNESS
 *
 * Each question: least energy under a deadline and a memory limit. The deadline is between the
 * least latency and that of the least energy; the memory limit between what the fastest placement
 * takes and what the thriftiest takes that keeps the deadline. So the optimum without limits breaks
 * both, and the optimum with the deadline alone breaks the other; at TIGHTNESS 0 little is left to
 * choose from, at 1 nothing binds. A line for each question:
 *
 *     kind N seed name seconds_milp seconds_auto solver objective nodes over_deadline over_memory
 *     over_memory_with_deadline
 */
#include "planner/solve/solve.h"
#include "tests/support/branching.h"
#include "tests/support/cut_program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Solves and prices; ends the bench where that fails. */
static double solve(const cut_problem *p, kerf_solver solver, cut_solution *s, cut_value *value)
{
    kerf_error err = {.code = KERF_OK};
    cut_solution_clear(s);
    double start = cpu_s();
    if (cut_solve(p, solver, NULL, s, &err) != KERF_OK || s->gap > CUT_GAP) {
        fprintf(stderr, "bench_limits: %s\n", err.message);
        exit(1);
    }
    double seconds = cpu_s() - start;
    cut_evaluate(p, s->x, value);
    return seconds;
}

static void tighten(cut_problem *p, double tightness, cut_value *freely, double *alone)
{
    cut_solution s = {.x = NULL};
    cut_value fastest, with_deadline;
    cut_problem quick = *p;
    quick.objective = KERF_OBJ_LATENCY;
    solve(p, KERF_SOLVER_AUTO, &s, freely);
    solve(&quick, KERF_SOLVER_AUTO, &s, &fastest);
    p->limits.deadline_s = fastest.latency_s + tightness * (freely->latency_s - fastest.latency_s);
    solve(p, KERF_SOLVER_AUTO, &s, &with_deadline);
    double low = fmin(fastest.memory_bytes, with_deadline.memory_bytes);
    p->limits.memory_bytes = low + tightness * (with_deadline.memory_bytes - low);
    *alone = with_deadline.memory_bytes / p->limits.memory_bytes - 1;
    cut_solution_clear(&s);
}

static void bench(branching kind, size_t n, uint64_t seed, double tightness, const char *directory)
{
    static const char *const names[N_BRANCHINGS] = {"blocks", "layers", "streams"};
    problem_box box = {.blocks = NULL};
    cut_solution s = {.x = NULL};
    cut_value freely, value;
    double alone;
    char path[4096];
    rng r = {1000 * seed + (uint64_t)kind};
    branching_problem(&r, kind, n, false, &box);
    box.p.wait_W = 6;
    tighten(&box.p, tightness, &freely, &alone);
    snprintf(path, sizeof path, "%s/%s-%zu-%d.lp", directory, names[kind], n, (int)seed);
    cut_program_write(&box.p, 1, path);
    double any = solve(&box.p, KERF_SOLVER_AUTO, &s, &value);
    const char *solver = kerf_solver_name(s.solver);
    double ours = solve(&box.p, KERF_SOLVER_MILP, &s, &value);
    printf("%s %zu %d %.9g %.9g %s %.17g %zu %.4g %.4g %.4g\n", names[kind], n, (int)seed, ours,
           any, solver, s.objective, s.examined, freely.latency_s / box.p.limits.deadline_s - 1,
           freely.memory_bytes / box.p.limits.memory_bytes - 1, alone);
    cut_solution_clear(&s);
    box_clear(&box);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    for (int kind = 0; kind < N_BRANCHINGS; kind++)
        for (int seed = 1; seed <= (int)strtol(argv[3], NULL, 10); seed++)
            bench((branching)kind, (size_t)strtoul(argv[2], NULL, 10), (uint64_t)seed,
                  strtod(argv[4], NULL), argv[1]);
    return 0;
}
