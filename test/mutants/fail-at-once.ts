import fc from 'fast-check';

// That a property fails is enough. Looking for the smallest counterexample takes longer than all other tests.
fc.configureGlobal({ endOnFailure: true });
