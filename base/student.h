/* Student's t distribution, for confidence intervals of means. */
#ifndef KERF_BASE_STUDENT_H
#define KERF_BASE_STUDENT_H

/* The t that a variable of `degrees` > 0 degrees of freedom stays below with the probability given,
 * 0.5 <= probability < 1; by bisection over the incomplete beta function, to 1e-12 relative. */
double kerf_student_t(double probability, double degrees);

#endif
