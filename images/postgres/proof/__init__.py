"""The restore proof: brings the latest backup back with read-only credentials and judges what came back."""
