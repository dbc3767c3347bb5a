// Package crash marks the points between two steps at which a process may die with the most to lose, so that a test can
// end it exactly there: CRASH_AT=name:n in the environment of a binary that was built with the tag faultinject.
//
// Without the tag, which is how everybody gets Paylink, At is empty and the environment is not read. The package decides
// nothing and returns nothing: what follows a point is the same with and without it.
package crash
