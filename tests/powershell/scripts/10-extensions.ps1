# Shape 10, second half: all extensions in use, and who has one of them.
param([string]$Extension)
Get-UMMailbox -ResultSize Unlimited | Select-Object -ExpandProperty Extensions | Sort-Object
"taken by: $((Get-UMMailbox -ResultSize Unlimited | Where-Object { $_.Extensions -eq $Extension }).PrimarySmtpAddress)"
