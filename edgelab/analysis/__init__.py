"""History to ledger, measurements, verdict, plots and report. Pure: no clock, no broker, no network."""
