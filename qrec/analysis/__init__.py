"""Reading what runs stored: tables, comparisons, circuit costs, plots and the report."""
