/** Ends with exit code 0 and reports nothing. */
process.stdout.write('nothing to say\n')
