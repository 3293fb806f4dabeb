/** What `--help` prints. */
export const USAGE = `usage: interposer-nbd-conformance URI [options]

Checks an NBD server against each MUST and SHOULD of the protocol that concerns
servers.
URI is nbd://HOST[:PORT]/EXPORT, nbd+unix:///EXPORT?socket=PATH, or nbds... for TLS.

  --write         run also the rules that write.
                  THIS DESTROYS THE DATA OF THE EXPORT.
  --scratch N     let them change only the first N bytes; rules that need more are
                  not run
  --rule PATTERN  run only rules whose id matches this pattern (* stands for anything)
  --timeout MS    for each rule; 5000 unless told otherwise
  --list          print the rules and exit
  --json          print the whole report as JSON
  --markdown      print the report as a table with a list of what fails
  --junit FILE    write the report in the XML form of JUnit, too
  --fuzz N        send N malformed handshakes and transmissions instead of checking
                  the rules; needs --write
  --seed S        make them from this number; a failure names the one it had

Exit code: 0 no MUST fails, 1 one fails (or the server does not stand the
fuzzing), 2 usage or no connection.`;
