"""What results are called: each table is declared once, and CSV, JSON, frames and headings come from that."""
