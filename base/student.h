/* Student's t distribution and the beta distribution, for confidence intervals of means and of
 * shares. */
#ifndef KERF_BASE_STUDENT_H
#define KERF_BASE_STUDENT_H

/* The t that a variable of `degrees` > 0 degrees of freedom stays below with the probability given,
 * 0.5 <= probability < 1; by bisection over the incomplete beta function, to 1e-12 relative. */
double kerf_student_t(double probability, double degrees);

/* The regularized incomplete beta function of a, b > 0 at 0 <= x <= 1: the probability that at least
 * a of a + b - 1 trials succeed, each with probability x. */
double kerf_incomplete_beta(double a, double b, double x);

#endif
