# Shape 14: a leaver, with a log that takes the error record as a string.
param($Id, $Log)
try {
    Disable-UMMailbox -Identity $Id -Confirm:$false -ErrorAction Stop
    "$Id disabled" | Out-File $Log -Append
}
catch {
    "$_" | Out-File $Log -Append
}
