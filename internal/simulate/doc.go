// Package simulate makes histories: one whose totals are those that agencies
// published in 2020, and as many others as a measurement needs. They are signed
// submissions like anybody's and go in through INTAKE.
//
// What is published and what is invented is written down in
// examples/pilkada-2020/README.md. Nobody in these histories exists.
//
// The same seed gives the same events, byte for byte, but for sealed values,
// whose vectors are random.
package simulate
