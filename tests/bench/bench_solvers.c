/* Times the solvers (CPU time, one core), and writes what they solved for others to solve:
 *
 *     bench_solvers mincut DIRECTORY   random layered networks of 80, 450, 1500 operators: for each
 *                                      DIRECTORY/mincut-N-I.txt, the flow network with its arcs,
 *                                      and one line "N I seconds bound solving" on stdout
 *     bench_solvers large              100 000 operators, whole solves
 *     bench_solvers milp DIRECTORY     with limits: DIRECTORY/milp-N-I.lp, "N I seconds objective"
 */
#include "planner/solve/cutgraph.h"
#include "planner/solve/linear.h"
#include "planner/solve/solve.h"
#include "tests/support/cut_program.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INSTANCES 5
#define RUNS      21

/* Time on the processor: what else the machine does then is left out. */
static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Operators' costs on both sides comparable, so that the cut is not at an end. */
static void bench_problem(size_t n, size_t width, uint64_t seed, problem_box *box)
{
    rng r = {seed};
    layered_problem(&r, n, width, true, box);
    cut_group *groups = box_alloc(box, n, sizeof *groups);
    for (size_t v = 0; v < n; v++) {
        cut_cost *table = box_alloc(box, 2, sizeof *table);
        double early = v < n / 2 ? 0.5 : 2;
        table[1] = box->p.groups[v].table[1];
        table[1].device_s *= early;
        table[0].server_s = table[1].device_s * rng_log(&r, 0.2, 2) / early;
        groups[v] = (cut_group){box->p.groups[v].operators, 1, table};
    }
    box->p.groups = groups;
    box->link.rate_bps[0] = 2e9;
    box->p.objective = KERF_OBJ_LATENCY;
}

static FILE *create(const char *directory, const char *kind, size_t n, int instance,
                    const char *ending, char *path, size_t size)
{
    snprintf(path, size, "%s/%s-%zu-%d.%s", directory, kind, n, instance, ending);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

/* The linear problem at one price per byte, as a plain s-t network of DADS's shape with infinite
 * arcs back: node 0 the source, 1 the sink, 2 .. operators, then a node per shared tensor. One arc
 * a line, "from to capacity", "inf" if it is infinite. */
static void write_network(const cut_problem *p, double per_byte, FILE *file)
{
    size_t aux = p->n + 2;
    for (size_t g = 0; g < p->n_groups; g++) {
        size_t v = p->groups[g].operators[0] + 2;
        fprintf(file, "0 %zu %.17g\n%zu 1 %.17g\n", v, p->groups[g].table[0].server_s, v,
                p->groups[g].table[1].device_s);
    }
    for (size_t t = 0; t < p->n_tensors; t++) {
        const cut_tensor *tensor = &p->tensors[t];
        size_t from = tensor->producer == CUT_SOURCE ? 0 : tensor->producer + 2;
        double price = per_byte * tensor->up_bytes;
        if (tensor->n_consumers > 1)
            fprintf(file, "%zu %zu %.17g\n", from, aux, price);
        for (size_t i = 0; i < tensor->n_consumers; i++) {
            size_t to = tensor->consumers[i] + 2;
            if (from != 0)
                fprintf(file, "%zu %zu inf\n", to, from);
            if (tensor->n_consumers > 1)
                fprintf(file, "%zu %zu inf\n", aux, to);
            else
                fprintf(file, "%zu %zu %.17g\n", from, to, price);
        }
        aux += tensor->n_consumers > 1;
    }
}

/* The same question by one minimum cut of ours: seconds with building its graph, and without. */
static double solve_network(const cut_problem *p, double per_byte, double *all, double *solving)
{
    cut_dag dag;
    cut_graph *graph = NULL;
    cut_prices prices = {.device_s = 1, .server_s = 1, .up_per_byte = per_byte};
    uint8_t *side = calloc(p->n, 1), *x = calloc(p->n, 1);
    double start = cpu_s(), built = start, bound = NAN;
    if (side && x && cut_dag_create(p, &dag, NULL) == KERF_OK) {
        kerf_status status = cut_graph_create(p, &dag, side, false, &graph, NULL);
        built = cpu_s();
        if (status == KERF_OK)
            bound = cut_graph_solve(graph, &prices, x);
        *solving = cpu_s() - built;
        cut_graph_destroy(&graph);
        cut_dag_clear(&dag);
    }
    *all = cpu_s() - start;
    free(side);
    free(x);
    return bound;
}

static void drop_downlink(problem_box *box)
{
    cut_tensor *tensors = box_alloc(box, box->p.n_tensors, sizeof *tensors);
    memcpy(tensors, box->p.tensors, box->p.n_tensors * sizeof *tensors);
    for (size_t t = 0; t < box->p.n_tensors; t++)
        tensors[t].to_device = false;
    box->p.tensors = tensors;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench_mincut(const char *directory)
{
    const size_t sizes[] = {80, 450, 1500};
    char path[4096];
    problem_box box = {.blocks = NULL};
    for (size_t s = 0; s < 3; s++)
        for (int i = 0; i < INSTANCES; i++) {
            bench_problem(sizes[s], 4, 1000 * s + (size_t)i, &box);
            drop_downlink(&box); /* which the plain network has not */
            double per_byte = 8 / box.link.rate_bps[0], bound = 0, seconds[RUNS], solving[RUNS];
            FILE *file = create(directory, "mincut", sizes[s], i, "txt", path, sizeof path);
            write_network(&box.p, per_byte, file);
            fclose(file);
            for (int k = 0; k < RUNS; k++)
                bound = solve_network(&box.p, per_byte, &seconds[k], &solving[k]);
            qsort(seconds, RUNS, sizeof *seconds, ascending);
            qsort(solving, RUNS, sizeof *solving, ascending);
            printf("%zu %d %.9g %.17g %.9g\n", sizes[s], i, seconds[RUNS / 2], bound,
                   solving[RUNS / 2]);
        }
    box_clear(&box);
}

static void bench_large(void)
{
    problem_box box = {.blocks = NULL};
    const size_t widths[] = {1, 4, 64};
    for (size_t w = 0; w < 3; w++) {
        double times[3];
        for (int i = 0; i < 3; i++) {
            cut_solution s = {.x = NULL};
            bench_problem(100000, widths[w], 77 + (size_t)i, &box);
            double start = cpu_s();
            if (cut_solve_mincut(&box.p, NULL, &s, NULL) != KERF_OK || s.gap > CUT_GAP)
                exit(1);
            times[i] = cpu_s() - start;
            cut_solution_clear(&s);
        }
        qsort(times, 3, sizeof *times, ascending);
        printf("mincut, 100000 operators, %zu wide, slow start, latency: %.0f ms of CPU (%.0f to "
               "%.0f)\n",
               widths[w], 1e3 * times[1], 1e3 * times[0], 1e3 * times[2]);
    }
    box_clear(&box);
}

static void bench_milp(const char *directory)
{
    const size_t sizes[] = {80, 160, 320};
    char path[4096];
    problem_box box = {.blocks = NULL};
    for (size_t s = 0; s < 3; s++)
        for (int i = 0; i < INSTANCES; i++) {
            cut_solution free_s = {.x = NULL}, best = {.x = NULL};
            bench_problem(sizes[s], 4, 5000 + 1000 * s + (size_t)i, &box);
            box.link.connection = KERF_CONNECTION_WARM;
            if (cut_solve_mincut(&box.p, NULL, &free_s, NULL) != KERF_OK)
                exit(1);
            box.p.limits.deadline_s = 1.03 * free_s.objective; /* little more than the fastest */
            box.p.objective = KERF_OBJ_ENERGY;
            snprintf(path, sizeof path, "%s/milp-%zu-%d.lp", directory, sizes[s], i);
            cut_program_write(&box.p, 1, path);
            double start = cpu_s();
            if (cut_solve_milp(&box.p, NULL, &best, NULL) != KERF_OK || best.gap > CUT_GAP)
                exit(1);
            printf("%zu %d %.9g %.17g\n", sizes[s], i, cpu_s() - start, best.objective);
            cut_solution_clear(&free_s);
            cut_solution_clear(&best);
        }
    box_clear(&box);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "mincut") == 0)
        bench_mincut(argv[2]);
    else if (argc == 2 && strcmp(argv[1], "large") == 0)
        bench_large();
    else if (argc == 3 && strcmp(argv[1], "milp") == 0)
        bench_milp(argv[2]);
    else
        return 2;
    return 0;
}
